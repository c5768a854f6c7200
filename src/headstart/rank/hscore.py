"""hscore: how far class means lie apart, in units of the features' shrunk covariance."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from headstart.rank.score import ONE_CLASS_A_ROW, Evidence, TransferScore
from headstart.rank.spectrum import Spectrum
from headstart.task.model import Objective


class HScore(TransferScore):
    """The H-score with a shrunk covariance.

    Bao et al. 2019 (https://doi.org/10.1109/ICIP.2019.8803726) take ``tr(Σ⁻¹ Σ_between)``;
    Ibrahim, Ponomareva & Mazumder 2021 (https://arxiv.org/abs/2110.06893, equation 3) mend it
    where N is not much larger than D: ``tr(Σ_a⁻¹ (1 - a) Σ_between)`` with
    ``Σ_a = (1 - a) Σ + a tr(Σ)/D I`` and a from Ledoit & Wolf 2004. Σ_between is the covariance
    of the row's class mean.

    Range: 0 to C - 1. Meaning: the variance that classes explain, summed over whitened axes.
    Unmoved by rotation, offset and common scale. Cost: O(N · D · min(N, D)), shared with other
    scores, and O(N · C · R).
    """

    name: ClassVar[str] = "hscore"
    summary: ClassVar[str] = "spread of class means in whitened features"
    objectives: ClassVar[frozenset[Objective]] = ONE_CLASS_A_ROW

    def score(self, evidence: Evidence, seed: int = 0) -> float:
        """Return the trace."""
        features, rows = evidence.centred, len(evidence)
        if len(features.energies) == 0:
            return 0.0  # constant features: every class mean is the same
        counts = evidence.columns.sum(axis=0)  # (K,)
        means = evidence.columns.T @ features.rows / counts[:, np.newaxis]  # (K, R)
        between = (counts / rows) @ np.square(means)  # (R,)
        amount = shrinkage(features)
        ridge = amount * features.energies.sum() / rows / features.width
        within = (1 - amount) * features.energies / rows + ridge
        return float((1 - amount) * (between / within).sum())


def shrinkage(centred: Spectrum) -> float:
    """Return Ledoit & Wolf's a in [0, 1], from the principal axes alone.

    It is the variance of the sample covariance over its squared distance from ``tr(Σ)/D I``
    (https://doi.org/10.1016/S0047-259X(03)00096-4, section 3.3).
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
