"""What a run costs, said before it starts, in seconds as in operations."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.method.model import Method, Setting
from headstart.method.watch import looks
from headstart.study import purse as module
from headstart.study.arm import Arm
from headstart.study.budget import Budget
from headstart.study.purse import TRAINING_SHARE, Purse, doubt, purse_of, step_flop
from headstart.study.speed import Speed

from .helpers import context_of, text_task
from .racing import Made, always, made_bench, made_purse

TASK = text_task(4, 6)
TASK_UNITS = len(TASK.validation)


def arm_of(price: float = 3.0, revision: str = "r", unit: float = 1.0) -> Arm:
    return Arm(
        Made("made", always([]), price=price), made_bench(TASK, revision, unit, scoring=True)
    )


def test_a_step_costs_the_methods_passes_over_a_batch_of_mean_rows() -> None:
    assert step_flop(arm_of(price=3.0, unit=5.0), batch=2) == 3 * 5 * 2


def test_a_batch_is_no_larger_than_the_rows_there_are() -> None:
    assert len(TASK.train) == 10
    assert step_flop(arm_of(), batch=32) == step_flop(arm_of(), batch=10)


prices = st.floats(0.1, 1e12)
batches = st.integers(1, 64)
steps = st.integers(1, 10**6)


@given(prices, batches, steps, st.floats(1e-3, 1e13), st.booleans())
def test_seconds_are_operations_over_the_rate(
    price: float, batch: int, count: int, rate: float, test: bool
) -> None:
    arm = arm_of(price)
    by_flop, by_time = (made_purse(1.0, timed=timed, rate=rate) for timed in (False, True))
    flop = by_flop.price(arm, batch, count, final=test)
    assert by_time.price(arm, batch, count, final=test) * rate == pytest.approx(flop)


@given(prices, batches, steps)
def test_a_run_costs_its_scoring_and_more_with_more_steps(
    price: float, batch: int, count: int
) -> None:
    arm, purse = arm_of(price), made_purse(1.0)
    seen = looks(count * batch, TASK_UNITS)
    scored = seen.scored + seen.judged
    found = purse.price(arm, batch, count)
    assert found == pytest.approx(count * step_flop(arm, batch) + scored)
    assert found < purse.price(arm, batch, count + 1)


def test_to_read_the_test_rows_costs_more() -> None:
    purse, arm = made_purse(1.0), arm_of(unit=2.0)
    more = purse.price(arm, 1, 10, final=True) - purse.price(arm, 1, 10)
    assert more >= 2 * len(TASK.test)


def test_what_a_search_run_was_judged_on_is_not_read_again() -> None:
    purse, arm = made_purse(1.0), arm_of(unit=2.0)
    left = purse.reading(arm, {"steps": 8, "batch": 1}).flop
    assert left == 2 * len(TASK.test)  # so few validation rows are all judged on
    assert purse.reading(arm).flop == 2 * (len(TASK.validation) + len(TASK.test))


def test_each_arm_has_a_speed_of_its_own_asked_for_once() -> None:
    asked: list[str] = []

    def measure(arm: Arm) -> Speed:
        asked.append(arm.bench.card.revision)
        rate = {"a": 10.0, "b": 1000.0}[arm.bench.card.revision]
        return Speed(rate, rate, rate, "bfloat16" if rate > 10 else "float32")

    purse = Purse(1.0, timed=True, measure=measure)
    slow, fast = arm_of(revision="a"), arm_of(revision="b")
    assert purse.price(slow, 1, 1) == 100 * purse.price(fast, 1, 1)
    assert purse.speed(fast).precision == "bfloat16"
    assert asked == ["a", "b"]


def test_what_is_predicted_in_full_precision_costs_what_that_takes() -> None:
    arm = arm_of()
    purse = Purse(1.0, True, lambda arm: Speed(8.0, 4.0, 2.0, "bfloat16"))
    seen = looks(7, TASK_UNITS)
    expected = 7 * step_flop(arm, 1) / 8 + seen.scored / 4 + seen.judged / 2
    assert purse.price(arm, 1, 7) == pytest.approx(expected)
    assert purse.final_price(arm) == (len(TASK.validation) + len(TASK.test)) / 2


def test_what_is_paid_is_no_longer_left() -> None:
    purse = made_purse(10.0)
    purse.pay(3.0)
    purse.pay(4.0)
    assert (purse.left, purse.spent, purse.total) == (3.0, 7.0, 10.0)


class Measured:
    """Stands for the measurement of a machine that is never twice as fast."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, str]] = []
        patch.setattr(module, "measured_speed", self)

    def __call__(self, method: Method, setting: Setting, memory: Path) -> Speed:
        self.asked.append((setting.base.card.revision, method.name))
        rate = 100.0 * len(self.asked)
        return Speed(rate, rate, rate, "float32")


def test_operations_are_spent_whole_and_of_seconds_a_share(tmp_path: Path) -> None:
    by_flop = purse_of(Budget(flop=1e9), context_of(tmp_path, TASK))
    assert (by_flop.total, by_flop.timed) == (1e9, False)
    by_time = purse_of(Budget(seconds=60.0), context_of(tmp_path, TASK))
    assert (by_time.total, by_time.timed) == (TRAINING_SHARE * 60.0, True)


def test_a_base_is_measured_once_for_each_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = Measured(monkeypatch)
    arms = [arm_of(revision=revision) for revision in "abab"]
    purse = purse_of(Budget(seconds=1.0), context_of(tmp_path, TASK))
    assert [purse.speed(arm).train for arm in arms] == [100.0, 200.0, 100.0, 200.0]
    assert measured.asked == [("a", "made"), ("b", "made")]


def test_a_resumed_study_keeps_the_speeds_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = Measured(monkeypatch)
    context = context_of(tmp_path, TASK)
    first = purse_of(Budget(seconds=1.0), context).speed(arm_of())
    again = purse_of(Budget(seconds=1.0), context).speed(arm_of())
    assert len(measured.asked) == 1
    assert again == first


@pytest.mark.parametrize(
    ("predicted", "seconds", "doubted"),
    [
        (10.0, 9.0, False),
        (10.0, 30.0, False),
        (10.0, 4.0, True),
        (1.0, 0.1, False),
        (None, 9, False),
    ],
)
def test_a_price_far_above_what_a_run_took_is_not_believed_again(
    monkeypatch: pytest.MonkeyPatch, predicted: float | None, seconds: float, doubted: bool
) -> None:
    forgotten: list[object] = []
    monkeypatch.setattr(module, "forget_speed", lambda *what: forgotten.append(what[0]))
    doubt(arm_of().trial({}), predicted, seconds)
    assert bool(forgotten) == doubted
