"""Of many bases the best are adapted; of few, all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from headstart.errors import RequestError
from headstart.progress import Silent
from headstart.study import shortlist
from headstart.study.shortlist import shortlisted

from .helpers import text_task

TASK = text_task(10, 10)
BASES = ("bundled:a", "bundled:b", "hf:org/c", "local:some/d")


def ranking(ties: int) -> Any:
    """Return a ranking in the order of the names, with so many that tie with the first."""
    order = [
        SimpleNamespace(base=base, scores={"probe": 0.9 - place / 10}, tie_with_first=place < ties)
        for place, base in enumerate(BASES)
    ]
    return SimpleNamespace(ranking=SimpleNamespace(bases=order), rows=1000)


@pytest.mark.parametrize(("ties", "kept"), [(1, BASES[:1]), (2, BASES[:2]), (4, BASES[:2])])
def test_those_that_tie_with_the_best_stay_and_the_others_are_told_why(
    ties: int, kept: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shortlist, "rank_bases", lambda *_: ranking(ties))
    found = shortlisted(TASK, BASES, Silent(), named=True)
    assert found.kept == kept
    assert list(found.dropped) == list(BASES[len(kept) :])
    last = found.dropped[BASES[-1]]
    assert "4th of 4" in last
    assert "a was ahead (probe 0.600 against 0.900)" in last


def test_two_named_bases_are_compared_without_a_ranking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(shortlist, "rank_bases")
    assert shortlisted(TASK, BASES[:2], Silent(), named=True).kept == BASES[:2]


def test_where_the_ranking_fails_all_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise RequestError("no score fits")

    monkeypatch.setattr(shortlist, "rank_bases", fails)
    found = shortlisted(TASK, BASES, Silent(), named=True)
    assert (found.kept, found.dropped) == (BASES, {})


def test_two_bases_that_nobody_named_are_ranked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortlist, "rank_bases", lambda *_: ranking(1))
    assert shortlisted(TASK, BASES[:2], Silent(), named=False).kept == BASES[:1]
