"""Agreement with the reference: by cosine and by the largest difference."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.train.backend.check import holds, least_cosine
from headstart.train.backend.eager import Eager

from .helpers import text_batch


class Off(Eager):
    """The reference, each feature times a factor, plus a difference."""

    def __init__(self, encoder, factor: float = 1.0, plus: float = 0.0) -> None:
        super().__init__(encoder)
        self.factor, self.plus = factor, plus

    def features(self, batch):
        return super().features(batch) * np.float32(self.factor) + np.float32(self.plus)


@pytest.mark.parametrize(
    ("off", "exact", "rounded"),
    [
        ({}, True, True),
        ({"plus": 1e-6}, True, True),
        ({"plus": 1e-3}, False, True),
        ({"factor": 1.01}, False, True),  # of one direction
        ({"factor": -1}, False, False),
        ({"plus": np.nan}, False, False),
        ({"factor": np.inf}, False, False),
    ],
)
def test_exact_backends_are_held_to_rounding_and_others_to_the_cosine(bert, off, exact, rounded):
    backend, batches = Off(bert, **off), [text_batch(bert)]
    assert holds(backend, Eager(bert), batches) is exact
    assert holds(backend, Eager(bert), batches, exact=False) is rounded


def test_the_cosine_of_zeros_with_zeros_is_one_and_with_else_zero():
    zeros, ones = np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32)
    assert least_cosine(zeros, zeros) == 1
    assert least_cosine(zeros, ones) == 0
    assert least_cosine(ones, 2 * ones) == pytest.approx(1)
