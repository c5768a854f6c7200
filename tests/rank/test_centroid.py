"""Nearest centroid: leave-one-out in closed form is leave-one-out."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.rank.centroid import NearestCentroid
from headstart.rank.score import Evidence

from .toys import SINGLE, classified


def one_by_one(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which rows are right, means taken anew for each."""
    right = []
    for row in range(len(x)):
        others = np.arange(len(x)) != row
        present = np.unique(y[others])
        means = np.stack([x[others & (y == label)].mean(axis=0) for label in present])
        right.append(present[np.square(means - x[row]).sum(axis=1).argmin()] == y[row])
    return np.array(right, dtype=float)


@pytest.mark.parametrize(("rows", "width", "classes"), [(60, 4, 3), (20, 50, 5), (9, 3, 6)])
@pytest.mark.parametrize("signal", [0.0, 1.0])
def test_it_is_leave_one_out(rows: int, width: int, classes: int, signal: float) -> None:
    evidence = classified(signal, rows, width, classes)
    found = NearestCentroid().merits(evidence)
    np.testing.assert_array_equal(found, one_by_one(evidence.features, evidence.targets))


def test_rows_equally_near_to_all_means_count_a_share() -> None:
    evidence = Evidence(np.full((12, 2), 0.1, np.float32), np.arange(12) % 4, SINGLE, 4)
    np.testing.assert_allclose(NearestCentroid().merits(evidence), 0.25)


def test_the_only_row_of_its_class_counts_nothing() -> None:
    x = np.array([[0.0], [0.1], [9.0]], dtype=np.float32)
    merits = NearestCentroid().merits(Evidence(x, np.array([0, 0, 1]), SINGLE, 2))
    np.testing.assert_array_equal(merits, [1.0, 1.0, 0.0])
