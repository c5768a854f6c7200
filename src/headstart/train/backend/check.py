"""Whether a backend gives the features of the float32 reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headstart.base.model import Batch
from headstart.train.backend.eager import Eager
from headstart.train.backend.model import Backend

LEAST_COSINE = 0.999  # of any backend with the reference
DRIFT = 1e-4  # of a float32 backend: of a feature, or of the largest where that is above 1


def holds(backend: Backend, eager: Eager, batches: Sequence[Batch], exact: bool = True) -> bool:
    """Whether the features agree with the reference; exact ones agree to rounding."""
    for batch in batches:
        found, expected = backend.features(batch), eager.features(batch)
        if found.shape != expected.shape or not np.isfinite(found).all():
            return False
        if least_cosine(found, expected) < LEAST_COSINE:
            return False
        allowed = DRIFT * max(1.0, float(np.abs(expected).max()))
        if exact and float(np.abs(found - expected).max()) > allowed:
            return False
    return True


def least_cosine(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Return the least cosine of two features of one input; zeros agree with zeros."""
    left, right = found.astype(np.float64), expected.astype(np.float64)
    lengths = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
    cosines = (left * right).sum(-1) / np.where(lengths > 0, lengths, 1.0)
    return float(np.where((left == right).all(axis=-1), 1.0, cosines).min(initial=1.0))
