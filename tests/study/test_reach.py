"""How far a run may still come: optimism within bounds, and what that is held against."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.measure.compare import Comparison
from headstart.measure.interval import Interval
from headstart.study.reach import DECAY, DOUBT, reach, worth_going_on

scores = st.floats(-1.0, 1.0)
lengths = st.lists(st.integers(1, 10**5), min_size=1, max_size=4, unique=True).map(sorted)
runs = lengths.flatmap(
    lambda steps: st.tuples(st.just(steps), st.lists(scores, min_size=len(steps), max_size=4))
).map(lambda drawn: list(zip(*drawn, strict=False)))


@given(runs, st.integers(1, 10**6))
def test_what_may_come_lies_between_the_present_score_and_the_ceiling(
    points: list[tuple[int, float]], steps: int
) -> None:
    assert points[-1][1] - 1e-9 <= reach(points, steps, 1.0) <= 1.0


@given(runs, st.integers(1, 10**6), st.integers(0, 10**6))
def test_a_longer_run_may_come_no_less_far(
    points: list[tuple[int, float]], steps: int, more: int
) -> None:
    assert reach(points, steps + more, 1.0) >= reach(points, steps, 1.0) - 1e-12


@given(runs)
def test_a_run_as_long_as_the_last_comes_as_far_as_the_last(
    points: list[tuple[int, float]],
) -> None:
    assert reach(points, points[-1][0], 1.0) == pytest.approx(points[-1][1], abs=1e-9)


@given(scores, st.integers(2, 100), scores, st.integers(1, 10**5))
def test_what_was_seen_before_makes_nobody_less_hopeful(
    earlier: float, times: int, now: float, more: int
) -> None:
    alone = reach([(10 * times, now)], 10 * times + more, 1.0)
    assert reach([(10, earlier), (10 * times, now)], 10 * times + more, 1.0) >= alone - 1e-12


def test_one_run_is_thought_to_lose_errors_at_the_usual_power() -> None:
    assert reach([(10, 0.6)], 160, 1.0) == pytest.approx(1 - 0.4 * 16**-DECAY)


def test_errors_that_fell_fast_may_fall_faster_still() -> None:
    seen = math.log(0.4 / 0.1) / math.log(4)  # the error falls as the steps grow: a power of one
    found = reach([(10, 0.6), (40, 0.9)], 160, 1.0)
    assert found == pytest.approx(1 - 0.1 * 4 ** (-DOUBT * seen))


@pytest.mark.parametrize("now", [0.6, 0.5, 1.0])
def test_a_run_that_gained_nothing_or_has_no_errors_left_is_reckoned_as_usual(now: float) -> None:
    found = reach([(10, 0.6), (40, now)], 160, 1.0)
    assert found == pytest.approx(1 - (1 - now) * 4**-DECAY)


def test_only_the_two_longest_runs_count() -> None:
    rest = [(30, 0.7), (90, 0.8)]
    assert reach([(10, 0.0), *rest], 270, 1.0) == reach(rest, 270, 1.0)


def test_the_ceiling_is_the_metrics_own() -> None:
    assert reach([(10, 6.0)], 160, 10.0) == pytest.approx(10 - 4 * 16**-DECAY)


@pytest.mark.parametrize(
    ("value", "half", "gain", "goes_on"),
    [
        (0.05, 0.03, 0.0, True),  # ahead as it is
        (0.0, 0.03, 0.02, False),  # would be ahead, by less than can be seen
        (0.0, 0.03, 0.04, True),
        (-0.10, 0.03, 0.12, False),  # would overtake, by less than can be seen
        (-0.10, 0.03, 0.14, True),
        (-0.10, 0.03, 0.05, False),  # would stay behind
        (0.04, 0.03, -0.02, False),  # what it reached hides a loss
        (0.0, 0.0, 0.0, True),  # nothing is known to be between them
    ],
)
def test_a_run_goes_on_if_what_it_may_gain_could_be_told_from_the_rival(
    value: float, half: float, gain: float, goes_on: bool
) -> None:
    comparison = Comparison(Interval(value, value - half, value + half), 0.5, "tie")
    assert worth_going_on(comparison, gain) is goes_on


def test_it_is_the_width_of_the_interval_that_counts_not_where_it_lies() -> None:
    lopsided = Comparison(Interval(0.0, -0.01, 0.05), 0.5, "tie")  # half its width: 0.03
    assert worth_going_on(lopsided, 0.031)
    assert not worth_going_on(lopsided, 0.029)


@given(st.floats(-0.2, 0.2), st.floats(0.001, 0.1), st.floats(0.0, 0.2), st.floats(0.01, 1.0))
def test_what_goes_on_by_all_rows_goes_on_by_a_part_of_them(
    value: float, half: float, gain: float, share: float
) -> None:
    wide = half / math.sqrt(share)  # the interval that the part gives
    all_rows, part = (
        Comparison(Interval(value, value - width, value + width), 0.5, "tie")
        for width in (half, wide)
    )
    assert worth_going_on(part, gain + 1e-9, share) or not worth_going_on(all_rows, gain)
