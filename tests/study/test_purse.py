"""What a run costs, said before it starts, in seconds as in operations."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.study import purse as module
from headstart.study.arm import Arm
from headstart.study.budget import Budget, Speed
from headstart.study.purse import TRAINING_SHARE, Purse, purse_of, step_flop
from headstart.study.store import Store

from .helpers import text_task
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
    flop = by_flop.price(arm, batch, count, test=test)
    assert by_time.price(arm, batch, count, test=test) * rate == pytest.approx(flop)


@given(prices, batches, steps)
def test_a_run_costs_its_scoring_and_in_proportion_its_steps(
    price: float, batch: int, count: int
) -> None:
    arm, purse = arm_of(price), made_purse(1.0)
    one, none = (purse.price(arm, batch, n) for n in (1, 0))
    assert one - none >= step_flop(arm, batch) * (1 - 1e-6)
    assert none >= TASK_UNITS
    assert purse.price(arm, batch, count) == pytest.approx(none + count * (one - none), rel=1e-3)


def test_to_read_the_test_rows_costs_more() -> None:
    purse, arm = made_purse(1.0), arm_of(unit=2.0)
    more = purse.price(arm, 1, 10, test=True) - purse.price(arm, 1, 10)
    assert more >= 2 * len(TASK.test)


def test_each_base_has_a_speed_of_its_own() -> None:
    speeds = {"a": Speed(10.0, "float32"), "b": Speed(1000.0, "bfloat16")}
    purse = Purse(1.0, timed=True, speeds=speeds)
    slow, fast = arm_of(revision="a"), arm_of(revision="b")
    assert purse.price(slow, 1, 1) == 100 * purse.price(fast, 1, 1)
    assert purse.speed(fast).precision == "bfloat16"


def test_what_is_paid_is_no_longer_left() -> None:
    purse = made_purse(10.0)
    purse.pay(3.0)
    purse.pay(4.0)
    assert (purse.left, purse.spent, purse.total) == (3.0, 7.0, 10.0)


class Measured:
    """Stands for the measurement of a machine that is never twice as fast."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.revisions: list[str] = []
        patch.setattr(module, "training_speed", self)

    def __call__(self, bench: object, memory: Path) -> Speed:
        self.revisions.append(bench.card.revision)
        return Speed(100.0 * len(self.revisions), "float32")


def test_operations_are_spent_whole_and_of_seconds_a_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Measured(monkeypatch)
    by_flop = purse_of(Budget(flop=1e9), [arm_of()], Store(tmp_path))
    assert (by_flop.total, by_flop.timed) == (1e9, False)
    by_time = purse_of(Budget(seconds=60.0), [arm_of()], Store(tmp_path))
    assert (by_time.total, by_time.timed) == (TRAINING_SHARE * 60.0, True)


def test_a_base_is_measured_once_however_many_methods_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = Measured(monkeypatch)
    arms = [arm_of(revision=revision) for revision in "abab"]
    purse = purse_of(Budget(seconds=1.0), arms, Store(tmp_path))
    assert measured.revisions == ["a", "b"]
    assert [purse.speed(arm).rate for arm in arms] == [100.0, 200.0, 100.0, 200.0]


def test_a_resumed_study_keeps_the_speeds_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = Measured(monkeypatch)
    first = purse_of(Budget(seconds=1.0), [arm_of()], Store(tmp_path))
    again = purse_of(Budget(seconds=1.0), [arm_of()], Store(tmp_path))
    assert len(measured.revisions) == 1
    assert again == first
