"""centroid: is a row nearest to the mean of its own class, itself left out?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from headstart.rank.score import ONE_CLASS_A_ROW, CrossValidated, Evidence
from headstart.rank.spectrum import Matrix
from headstart.task.model import Objective

_ALIKE = 1e-9  # of the mean squared norm: distances that differ by less are equal


class NearestCentroid(CrossValidated):
    """Leave-one-out accuracy of the nearest class mean.

    The nearest-mean classifier (Mensink et al. 2013, https://doi.org/10.1109/TPAMI.2013.83,
    with the Euclidean distance); no refit is needed, since leaving row x out of the mean m of
    n rows moves it to ``(n m - x) / (n - 1)``, which is ``n / (n - 1)`` times as far from x.

    Range: 0 to 1; rows that are equally near to k means count 1/k, and the only row of its
    class counts 0. Meaning: share of rows that a classifier with nothing to fit gets right.
    Noise scores a little under chance, as leave-one-out does. Unmoved by rotation, offset and
    common scale. Cost: O(N · R · C) after the shared decomposition.
    """

    name: ClassVar[str] = "centroid"
    summary: ClassVar[str] = "leave-one-out accuracy of the nearest class mean"
    objectives: ClassVar[frozenset[Objective]] = ONE_CLASS_A_ROW

    def merits(self, evidence: Evidence, seed: int = 0) -> Matrix:
        """Return (N,) 1 for a right row, 0 for a wrong one, a share for a draw."""
        rows, own = evidence.centred.rows, evidence.columns > 0.5  # (N, R), (N, K)
        counts = own.sum(axis=0)
        means = own.T @ rows / counts[:, np.newaxis]  # (K, R)
        norms = np.square(rows).sum(axis=1)
        distances = norms[:, np.newaxis] - 2 * rows @ means.T + np.square(means).sum(axis=1)
        with np.errstate(divide="ignore"):
            factor = np.square(counts / (counts - 1.0))  # infinite for a class of one row
        distances = np.maximum(0.0, distances)
        distances = np.where(own, _times(distances, factor), distances)
        near = distances <= distances.min(axis=1, keepdims=True) + _ALIKE * norms.mean()
        return np.asarray((near & own).sum(axis=1) / near.sum(axis=1))


def _times(distances: Matrix, factor: Matrix) -> Matrix:
    """Return the product, infinite where the factor is: without a row there is no mean."""
    finite = np.isfinite(factor)
    return np.where(finite, distances * np.where(finite, factor, 1.0), np.inf)
