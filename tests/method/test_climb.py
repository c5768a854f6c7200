"""Climbing a line of settings: the best is found, and what lies beyond it is not paid for."""

from __future__ import annotations

import pytest

from headstart.method.climb import Line, climbed, told_apart


def tried(scores: list[float], rows: int = 1000) -> tuple[int, list[int]]:
    """Return the setting chosen where settings score so, and those that were looked at."""
    looked: list[int] = []

    def heads(point: int) -> list[int]:
        looked.append(point)
        return [point]

    line = Line(tuple(range(len(scores))), heads)  # type: ignore[arg-type]
    _, chosen, _ = climbed(line, lambda found: (scores[found[0]], scores[found[0]]), rows)
    return chosen, looked


@pytest.mark.parametrize("best", range(10))
def test_the_peak_is_found_wherever_it_is(best):
    scores = [0.9 - 0.03 * abs(at - best) for at in range(10)]
    assert tried(scores)[0] == best


def test_beyond_the_peak_one_setting_is_looked_at():
    scores = [0.5, 0.6, 0.7, 0.8, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    assert tried(scores)[1] == [2, 3, 4, 5]


def test_a_plateau_is_walked_to_its_end():
    assert len(tried([0.8] * 10)[1]) == 10


def test_a_score_without_a_scale_is_tried_everywhere():
    assert tried([-5.0, -4.0, -6.0, -3.0])[0] == 3


def test_few_settings_are_tried_from_the_first():
    assert tried([0.9, 0.8, 0.7]) == (0, [0, 1])


@pytest.mark.parametrize(
    ("other", "rows", "apart"),
    [
        ((0.79, -0.5), 1000, False),
        ((0.79, -0.5), 100_000, True),
        ((0.8, -0.9), 100_000, False),
        ((0.4, 0.0), 50, True),
    ],
)
def test_scores_within_the_noise_of_their_rows_are_not_told_apart(other, rows, apart):
    assert told_apart((0.8, -0.5), other, rows) == apart


def test_what_is_no_share_is_told_apart_by_any_difference():
    assert told_apart((-1.0, 0.0), (-1.1, 0.0), 10)
    assert not told_apart((-1.0, 0.0), (-1.0, 0.0), 10)
