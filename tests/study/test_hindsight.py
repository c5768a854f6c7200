"""The audit runs what was left out, and says what that cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headstart.study.decide import decide
from headstart.study.hindsight import hindsight
from headstart.study.race import Race
from headstart.study.shortlist import Shortlist
from headstart.study.trial import Context

from .helpers import context_of, text_task
from .racing import Made, Wrong, always, made_family, raced

TASK = text_task(200, 200)
NOTHING = Shortlist(("made:r",), {})
RATES = (1e-4, 1e-3, 1e-2)


@pytest.fixture(autouse=True)
def _loadable() -> Iterator[None]:
    with made_family():
        yield


def late(best: float, length: int) -> Wrong:
    """Return mistakes that are few for one rate, but only in long runs."""

    def wrong(rate: float, steps: int, seed: int) -> range:
        if steps < length:
            return range(60 if rate == best else 50)
        return range(10 if rate == best else 40)

    return wrong


def ran(context: Context, wrong: Wrong) -> Race:
    return raced(context, [Made("m", wrong, RATES)], 900)


def test_a_rate_that_was_left_out_too_soon_is_found(tmp_path: Path) -> None:
    context = context_of(tmp_path, TASK)
    race = ran(context, late(1e-2, 150))
    found = hindsight(context, race, NOTHING, [], decide(context, race.arms))
    assert found.regret == pytest.approx(0.15)
    assert [run.test for run in found.runs] == [0.8, 0.95]
    assert "2 runs" in found.sentence
    assert "15.0 points better" in found.sentence
    assert "at rate 1e-02" in found.sentence


def test_where_the_best_was_taken_there_is_no_regret(tmp_path: Path) -> None:
    context = context_of(tmp_path, TASK)
    race = ran(context, lambda rate, steps, seed: range(20 if rate == 1e-3 else 60))
    verdict = decide(context, race.arms)
    found = hindsight(context, race, NOTHING, [], verdict)
    assert found.regret == 0
    assert "None of 2 runs" in found.sentence
    assert decide(context, race.arms).delivered.record == verdict.delivered.record


def test_with_nothing_left_out_it_says_so(tmp_path: Path) -> None:
    context = context_of(tmp_path, TASK)
    race = raced(context, [Made("m", always([]), RATES[:1])], 900)
    found = hindsight(context, race, NOTHING, [], decide(context, race.arms))
    assert (found.runs, found.regret, found.correlation) == ([], 0, None)
    assert "Nothing was left out" in found.sentence
