"""Calibration error and its bins follow Guo et al. 2017."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.measure.calibration import reliability
from headstart.measure.score import score
from headstart.task.model import Objective

from .samples import labels, probabilities


def by_hand(confidence, hit, bins):
    """Expected calibration error as the sum over (low, high] bins, one by one."""
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            total += inside.mean() * abs(hit[inside].mean() - confidence[inside].mean())
    return total


def test_single_label_error_is_the_one_worked_by_hand():
    targets = labels(300, 4)
    guess = probabilities(targets, 4, np.random.default_rng(1).random(300) < 0.6)
    confidence, hit = guess.max(1), guess.argmax(1) == targets
    found = reliability(Objective.SINGLE_LABEL, targets, guess, bins=10)
    assert found.expected_error == pytest.approx(by_hand(confidence, hit, 10))
    assert sum(b.count for b in found.bins) == 300
    assert all(b.low < b.confidence <= b.high for b in found.bins)


def test_multi_label_error_pools_all_decisions():
    generator = np.random.default_rng(2)
    targets = (generator.random((100, 3)) < 0.4).astype(np.float32)
    guess = generator.random((100, 3))
    found = reliability(Objective.MULTI_LABEL, targets, guess)
    assert found.expected_error == pytest.approx(by_hand(guess.ravel(), targets.ravel(), 15))
    assert sum(b.count for b in found.bins) == 300


def test_the_metric_is_the_diagrams_error():
    targets = labels(90, 3)
    guess = probabilities(targets, 3, np.arange(90) % 2 > 0)
    expected = reliability(Objective.SINGLE_LABEL, targets, guess).expected_error
    assert score(Objective.SINGLE_LABEL, tuple("abc"), targets, guess, "ece") == pytest.approx(
        expected
    )


def test_a_sure_and_right_model_has_no_error_and_a_sure_and_wrong_one_all_of_it():
    targets = np.array([0, 1, 0])
    sure = np.eye(2)[targets]
    assert reliability(Objective.SINGLE_LABEL, targets, sure).expected_error == 0.0
    assert reliability(Objective.SINGLE_LABEL, 1 - targets, sure).expected_error == 1.0


def test_a_regression_has_no_calibration():
    with pytest.raises(ValueError, match="not defined for real"):
        reliability(Objective.REAL, np.zeros(3), np.zeros(3))
