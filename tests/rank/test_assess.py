"""All scores of one base: values, rows behind them, and refusals in words."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType

import pytest

from headstart.errors import RequestError
from headstart.rank.assess import assess
from headstart.rank.score import SCORES, Evidence, TransferScore

from .toys import classified, valued


def test_every_score_is_there_or_says_why_not() -> None:
    found = assess(replace(classified(1.0), source_probabilities=None))
    assert {*found.scores, *found.refused} == set(SCORES)
    assert found.refused == {"leep": "the base has no source head"}
    assert set(found.merits) == {"probe", "centroid"}
    assert found.merits["probe"].mean() == found.scores["probe"]


def test_a_regression_has_the_scores_that_are_defined_for_it() -> None:
    assert set(assess(valued(1.0)).scores) == {"probe", "logme"}


def test_only_the_named_scores_are_computed() -> None:
    found = assess(classified(1.0), ["logme"])
    assert list(found.scores) == ["logme"]
    assert not found.merits


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(RequestError, match="unknown transferability score 'probes'"):
        assess(classified(1.0), ["probes"])


def test_another_packages_score_takes_part_and_one_that_breaks_is_named(monkeypatch) -> None:
    class Width(TransferScore):
        """As wide as it goes."""

        name, summary = "width", "number of features"

        def score(self, evidence: Evidence, seed: int = 0) -> float:
            return float(evidence.features.shape[1])

    class Broken(Width):
        """Never a number."""

        def score(self, evidence: Evidence, seed: int = 0) -> float:
            return float("nan")

    module = ModuleType("others_scores")
    module.Width, module.Broken = Width, Broken  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "others_scores", module)
    paths = {"width": "others_scores:Width", "broken": "others_scores:Broken"}
    monkeypatch.setattr(SCORES, "_external", paths)
    found = assess(classified(1.0, width=16), ["width", "broken"])
    assert found.scores == {"width": 16.0}
    assert found.refused == {"broken": "gave nan"}
