"""The lengths of runs: each three times the one below, and the same for all budgets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headstart.method.gradient import BATCH
from headstart.study.ladder import FEWEST_CAP, FEWEST_STEPS, MOST_EPOCHS, STRIDE, Ladder

rows = st.integers(1, 10**7)


@given(rows)
def test_rungs_rise_to_the_cap_by_the_stride_or_less_and_none_is_near_the_last(count: int) -> None:
    ladder = Ladder(count)
    assert ladder.rungs[-1] == ladder.cap
    assert ladder.rungs[0] >= FEWEST_STEPS
    for low, high in zip(ladder.rungs, ladder.rungs[1:], strict=False):
        assert 2 * low <= high <= (STRIDE + 1) * low


@given(rows)
def test_the_longest_run_sees_every_row_often_enough(count: int) -> None:
    ladder = Ladder(count)
    assert ladder.cap >= FEWEST_CAP
    assert ladder.cap * BATCH >= MOST_EPOCHS * count
    assert (ladder.epoch - 1) * BATCH < count <= ladder.epoch * BATCH


@given(rows)
def test_above_each_rung_comes_the_next_and_above_the_last_none(count: int) -> None:
    ladder = Ladder(count)
    assert [ladder.after(steps) for steps in ladder.rungs] == [*ladder.rungs[1:], None]
    assert set(ladder.openings) < set(ladder.rungs)
    assert ladder.rungs[0] in ladder.openings
