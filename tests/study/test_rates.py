"""The range test: which rates it leaves out, what it costs, that it is run once."""

from __future__ import annotations

from pathlib import Path

import pytest

from headstart.method.gradient import RANGE_STEPS
from headstart.study.arm import Arm
from headstart.study.rates import SHARE, within_range
from headstart.train.rate_finder import RangeTest

from .helpers import context_of, text_task
from .racing import Made, always, made_bench, made_family, made_purse, raced, step_price

RATES = (1e-4, 1e-3, 1e-2)
STEPS = 1.001 * RANGE_STEPS / SHARE  # of so many, a range test may cost just the share
TASK = text_task(20, 20)
RICH = STEPS * step_price(TASK)


def seen(ceiling: float | None) -> RangeTest:
    return RangeTest(rates=[1e-5, 1e-3, 1e-1], losses=[0.7, 0.5123456789, 3.0], ceiling=ceiling)


def rates_of(settings: list[dict[str, float]]) -> list[float]:
    return [setting["rate"] for setting in settings]


@pytest.mark.parametrize(
    ("ceiling", "kept"),
    [
        (None, [1e-4, 1e-3, 1e-2]),
        (1e-1, [1e-4, 1e-3, 1e-2]),
        (1e-2, [1e-4, 1e-3, 1e-2]),
        (5e-3, [1e-4, 1e-3]),
        (5e-4, [1e-4]),
        (6e-5, [2e-5]),  # below all of them: a third of where the loss rose
    ],
)
def test_rates_at_which_the_loss_rises_are_left_out(
    tmp_path: Path, ceiling: float | None, kept: list[float]
) -> None:
    method = Made("made", always([]), RATES, tested=seen(ceiling))
    arm, purse = Arm(method, made_bench(TASK), alone=True), made_purse(RICH)
    settings = method.search(TASK, arm.bench, "accuracy")
    found, points = within_range(context_of(tmp_path, TASK), arm, purse, settings)
    assert rates_of(found) == pytest.approx(kept)
    assert [(p.learning_rate, p.loss) for p in points] == [
        (1e-5, 0.7),
        (1e-3, 0.512346),
        (1e-1, 3.0),
    ]
    assert bool(arm.story) is (kept != list(RATES))
    assert all(f"a rate of {ceiling:.0e} on" in sentence for sentence in arm.story)


def test_the_rate_in_the_middle_is_tested_and_paid_for(tmp_path: Path) -> None:
    method = Made("made", always([]), RATES, tested=seen(None), price=2.0)
    arm, purse = Arm(method, made_bench(TASK)), made_purse(2 * RICH)
    within_range(context_of(tmp_path, TASK), arm, purse, method.search(TASK, None, "accuracy"))
    assert method.range_tests == [{"rate": 1e-3, "batch": 1, "steps": RANGE_STEPS}]
    assert purse.spent == pytest.approx(2 * RANGE_STEPS * step_price(TASK))


def test_a_test_that_costs_more_than_its_share_is_not_run(tmp_path: Path) -> None:
    method = Made("made", always([]), RATES, tested=seen(1e-9))
    arm, purse = Arm(method, made_bench(TASK)), made_purse(0.99 * RICH)
    settings = method.search(TASK, None, "accuracy")
    assert within_range(context_of(tmp_path, TASK), arm, purse, settings) == (settings, [])
    assert (method.range_tests, purse.spent, arm.story) == ([], 0.0, [])


def test_a_method_without_a_range_test_pays_for_none(tmp_path: Path) -> None:
    method = Made("made", always([]), RATES)
    arm, purse = Arm(method, made_bench(TASK)), made_purse(RICH)
    settings = method.search(TASK, None, "accuracy")
    assert within_range(context_of(tmp_path, TASK), arm, purse, settings) == (settings, [])
    assert purse.spent == 0.0


def test_a_resumed_study_reads_what_the_test_saw_and_pays_the_same(tmp_path: Path) -> None:
    def looked() -> tuple[object, float, list[str], int]:
        method = Made("made", always([]), RATES, tested=seen(5e-3))
        arm, purse = Arm(method, made_bench(TASK), alone=True), made_purse(RICH)
        settings = method.search(TASK, None, "accuracy")
        found = within_range(context_of(tmp_path, TASK), arm, purse, settings)
        return found, purse.spent, arm.story, len(method.range_tests)

    *first, tests = looked()
    *again, more_tests = looked()
    assert first == again
    assert (tests, more_tests) == (1, 0)


def test_two_bases_have_a_range_test_each(tmp_path: Path) -> None:
    method = Made("made", always([]), RATES, tested=seen(None))
    purse = made_purse(RICH)
    for revision in "ab":
        arm = Arm(method, made_bench(TASK, revision))
        within_range(context_of(tmp_path, TASK), arm, purse, method.search(TASK, None, "accuracy"))
    assert len(method.range_tests) == 2


def test_what_the_test_saw_is_shown_with_the_arms_first_run_alone(tmp_path: Path) -> None:
    method = Made("made", always([]), RATES, tested=seen(5e-3))
    with made_family():
        race = raced(context_of(tmp_path, TASK), [method], STEPS)
    shown = [len(trial.rate_finder) for trial in race.arms[0].trials]
    assert shown[0] == 3
    assert len(shown) > 2
    assert not any(shown[1:])
    assert {rate for rate, _, _ in method.fits} == {1e-4, 1e-3}


def test_a_range_test_that_breaks_costs_its_own_arm_alone(tmp_path: Path) -> None:
    broken = Made("broken", always([]), RATES, tested=ValueError("no rates"))
    sound = Made("sound", always([]), RATES)
    with made_family():
        race = raced(context_of(tmp_path, TASK), [broken, sound], 3 * STEPS)
    assert [t.error for t in race.arms[0].trials] == ["ValueError: no rates"]
    assert broken.fits == []
    assert race.arms[1].finalists
