"""hscore: how far class means lie apart, in units of the features' shrunk covariance."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from headstart.rank.score import ONE_CLASS_A_ROW, Evidence, TransferScore
from headstart.rank.spectrum import Matrix, Spectrum
from headstart.task.model import Objective

_NO_ROOM = 1e-6  # between what chance reaches and all there is


class HScore(TransferScore):
    """The H-score with a shrunk covariance, adjusted for chance.

    Bao et al. 2019 (https://doi.org/10.1109/ICIP.2019.8803726) take ``tr(Σ⁻¹ Σ_between)``;
    Ibrahim, Ponomareva & Mazumder 2021 (https://arxiv.org/abs/2110.06893) mend it where N is not
    much larger than D: ``H = tr(Σ_a⁻¹ (1 - a) Σ_between)`` with ``Σ_a = (1 - a) Σ + a tr(Σ)/D I``
    and a from Ledoit & Wolf 2004. Σ_between is the covariance of the row's class mean.

    Even so H grows with width: of 1,000 rows with random classes, 2,048 correlated features
    reach 8 of the 9 that ten classes can. Bases differ in width, so what random classes reach,
    E, is taken off: ``(H - E) / (C - 1 - E)``. E is exact: over all ways to deal the classes to
    the rows, Σ_between is Σ times (C - 1) / (N - 1) on average.

    Range: 1 at most, 0 on average for classes that have nothing to do with the features.
    Meaning: the share of what classes could explain of the whitened features, beyond chance.
    Unmoved by rotation, offset and common scale. Cost: O(N · D · min(N, D)), shared with other
    scores, and O(N · C · R).
    """

    name: ClassVar[str] = "hscore"
    summary: ClassVar[str] = "spread of class means in whitened features"
    objectives: ClassVar[frozenset[Objective]] = ONE_CLASS_A_ROW

    def score(self, evidence: Evidence, seed: int = 0) -> float:
        """Return the adjusted trace."""
        found, by_chance = traces(evidence.centred, evidence.columns)
        room = evidence.columns.shape[1] - 1 - by_chance
        # no room: features so many that any classes are told apart, so these say nothing
        return (found - by_chance) / room if room > _NO_ROOM else 0.0


def traces(features: Spectrum, columns: Matrix) -> tuple[float, float]:
    """Return H and its mean over all ways to deal the (N, K) classes to the rows."""
    rows = len(columns)
    if len(features.energies) == 0:
        return 0.0, 0.0  # constant features: every class mean is the same
    counts = columns.sum(axis=0)  # (K,)
    means = columns.T @ features.rows / counts[:, np.newaxis]  # (K, R)
    between = (counts / rows) @ np.square(means)  # (R,)
    amount = shrinkage(features)
    variances = features.energies / rows  # (R,)
    white = (1 - amount) * variances + amount * variances.sum() / features.width
    by_chance = (len(counts) - 1) / (rows - 1) * variances
    kept = (1 - amount) / white
    return float(kept @ between), float(kept @ by_chance)


def shrinkage(centred: Spectrum) -> float:
    """Return Ledoit & Wolf's a in [0, 1], from the principal axes alone.

    It is the variance of the sample covariance over its squared distance from ``tr(Σ)/D I``
    (https://doi.org/10.1016/S0047-259X(03)00096-4).
    """
    rows = len(centred.left)
    variances = centred.energies / rows  # (R,)
    norm = float(np.square(variances).sum())
    distance = norm - float(variances.sum()) ** 2 / centred.width
    fourth = float(np.square(np.square(centred.rows).sum(axis=1)).sum()) / rows
    noise = (fourth - norm) / rows
    if distance <= 1e-12 * norm:
        return 1.0  # already a multiple of the identity
    return min(1.0, max(0.0, noise / distance))
