"""Standardised features, and heads on them as heads on the raw ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.train.linear import LinearHead

_ROWS = 4_096  # looked at to tell whether features are unit vectors
_ALIKE = 1e-3  # relative spread of norms that is rounding


@dataclass(frozen=True, slots=True)
class Scaling:
    """``(x - mean) / deviation`` for each of D features.

    Attributes:
        mean: (D,) float32.
        deviation: (D,) float32, 1 where a feature is constant.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def of(cls, features: NDArray[np.float32]) -> Scaling:
        """Return the scaling that standardises (N, D) features."""
        mean, deviation = features.mean(axis=0), features.std(axis=0)
        floor = 1e-6 * max(float(deviation.max(initial=0.0)), 1e-30)
        return cls(mean, np.where(deviation > floor, deviation, 1).astype(np.float32))

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the standardised features."""
        return np.asarray((features - self.mean) / self.deviation, dtype=np.float32)

    def done(self, head: LinearHead) -> LinearHead:
        """Return the head on standardised features that equals ``head`` on raw ones."""
        bias = np.asarray(head.bias + head.weight @ self.mean, dtype=np.float32)
        return LinearHead(head.weight * self.deviation, bias)

    def undone(self, head: LinearHead) -> LinearHead:
        """Return the head on raw features that equals ``head`` on standardised ones."""
        weight = head.weight / self.deviation
        return LinearHead(weight, np.asarray(head.bias - weight @ self.mean, dtype=np.float32))


def normalised(features: NDArray[np.float32]) -> bool:
    """Tell whether the rows are unit vectors: then their base has scaled them already."""
    norms = np.linalg.norm(features[:: max(1, len(features) // _ROWS)], axis=1)
    return bool(np.ptp(norms) <= _ALIKE * max(float(norms.mean()), 1e-30))
