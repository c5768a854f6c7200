"""Numbers on the page read as people write them."""

from __future__ import annotations

import pytest

from headstart.report import units
from headstart.study.record import ScoreRecord

SCORE = ScoreRecord(value=0.931, low=0.92, high=0.942)


def test_an_accuracy_is_a_percentage_with_its_interval() -> None:
    assert units.score_text(SCORE, "accuracy") == "93.1% [92.0, 94.2]"


def test_an_error_keeps_its_own_unit() -> None:
    assert units.score_text(SCORE, "mae") == "0.931 [0.920, 0.942]"


def test_an_unknown_score_is_a_dash() -> None:
    assert units.score_text(None, "accuracy") == "–"


def test_a_difference_is_signed_and_in_points() -> None:
    gap = ScoreRecord(value=-0.012, low=-0.03, high=0.006)
    assert units.difference_text(gap, "macro_f1") == "−1.2 points [−3.0, +0.6]"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.01, "under 0.1 s"),
        (0.44, "0.4 s"),
        (9.97, "10 s"),
        (59.6, "1 min"),
        (192, "3 min 12 s"),
        (7500, "2 h 5 min"),
        (7199.9, "2 h"),
    ],
)
def test_a_time_is_said_in_the_units_of_a_clock(seconds: float, text: str) -> None:
    assert units.duration(seconds) == text


@pytest.mark.parametrize(
    ("flop", "text"),
    [
        (0, "–"),
        (750, "750 FLOP"),
        (1.2e12, "1.2 TFLOP"),
        (8.1e11, "810 GFLOP"),
        (999.99e9, "1.0 TFLOP"),
    ],
)
def test_compute_has_a_prefix_that_survives_rounding(flop: float, text: str) -> None:
    assert units.flop_text(flop) == text


def test_counts_of_weights_are_short_from_a_hundred_thousand_on() -> None:
    shown = [units.parameters_text(count) for count in (3_465, 22_713_216, 1_543_000_000)]
    assert shown == ["3,465", "22.7 M", "1.5 B"]


@pytest.mark.parametrize(
    ("rate", "text"), [(3e-5, "3e-5"), (2.5e-4, "2.5e-4"), (0.01, "0.01"), (0.0, "0")]
)
def test_a_learning_rate_is_written_as_one_types_it(rate: float, text: str) -> None:
    assert units.rate_text(rate) == text


def test_facts_of_any_json_type_become_text() -> None:
    shown = [units.value_text(v) for v in (True, None, 20_000, 0.5, [1, 2], {"a": 1}, "x")]
    assert shown == ["yes", "none", "20,000", "0.5", "1, 2", "a 1", "x"]


def test_only_known_errors_and_losses_are_better_when_smaller() -> None:
    smaller = {
        name
        for name in ("mae", "rmse", "log_loss", "accuracy", "r2", "mine")
        if units.lower_is_better(name)
    }
    assert smaller == {"mae", "rmse", "log_loss"}
