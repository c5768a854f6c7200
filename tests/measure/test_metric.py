"""A metric from outside gets scores, intervals and paired tests, as the docs promise."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from headstart.errors import RequestError
from headstart.measure.compare import compare
from headstart.measure.interval import bootstrap
from headstart.measure.metric import divided, finite
from headstart.measure.score import METRICS, score
from headstart.task.model import Objective

from .samples import labels, probabilities

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extend.md"


@pytest.fixture
def top2(monkeypatch):
    """Register the metric that docs/extend.md shows, as an installed package would."""
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    scope: dict = {}
    exec(code.group(1), scope)
    monkeypatch.setattr(METRICS, "_external", {"top2_accuracy": "somewhere:TOP2"})
    known = METRICS.get
    monkeypatch.setattr(
        METRICS, "get", lambda name: scope["TOP2_ACCURACY"] if name[:4] == "top2" else known(name)
    )


@pytest.mark.usefixtures("top2")
def test_the_metric_of_the_docs_is_scored_with_interval_and_paired_test():
    targets, classes = labels(80, 4), tuple("abcd")
    near, far = (
        probabilities(targets, 4, np.random.default_rng(1).random(80) < share)
        for share in (0.9, 0.1)
    )
    common = (Objective.SINGLE_LABEL, classes, targets)
    expected = np.mean([t in np.argsort(p)[-2:] for t, p in zip(targets, near, strict=True)])
    assert "top2_accuracy" in METRICS
    assert score(*common, near, "top2_accuracy") == pytest.approx(expected)
    found = bootstrap(*common, [near], "top2_accuracy")
    assert found.low < expected < found.high
    assert compare(*common, [near], [far], "top2_accuracy").verdict == "better"


@pytest.mark.usefixtures("top2")
def test_the_metric_of_the_docs_says_where_it_is_not_defined():
    with pytest.raises(RequestError, match="it is defined for: single-label"):
        score(Objective.REAL, (), np.zeros(3), np.zeros(3), "top2_accuracy")


def test_nothing_divided_by_nothing_is_nothing():
    assert divided([1.0, 2.0], [0.0, 4.0]).tolist() == [0.0, 0.5]


def test_numbers_that_are_none_are_counted():
    with pytest.raises(ValueError, match="2 of 3"):
        finite([1.0, np.nan, -np.inf])
