"""Features on their principal axes: one decomposition that several scores share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

_RELATIVE = 1e-12  # of the largest eigenvalue: rounding of the decomposition
_RESOLUTION = 1e-14  # of the squared norm of all features: what float32 cannot hold


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """The thin singular value decomposition ``X = left · diag(√energies) · axesᵀ``.

    Attributes:
        energies: (R,) squared singular values, largest first, all above rounding; R is the rank.
        left: (N, R) orthonormal columns.
        width: D, the features' own width.
    """

    energies: Matrix
    left: Matrix
    width: int

    @property
    def rows(self) -> Matrix:
        """The features turned onto their principal axes, (N, R)."""
        return np.asarray(self.left * np.sqrt(self.energies))


def spectrum(features: NDArray[np.float32], *, centred: bool) -> Spectrum:
    """Decompose features by the eigenvectors of the smaller of XXᵀ and XᵀX, in float64.

    Costs O(N · D · min(N, D)). Axes whose energy is rounding are left out, so constant columns,
    copies of columns and copies of rows do no harm.

    Args:
        features: (N, D), finite.
        centred: Whether to take the mean row off first.
    """
    x = np.asarray(features, dtype=np.float64)
    total = float(np.square(x).sum())
    if centred:
        x = x - x.mean(axis=0)
    wide = x.shape[1] > x.shape[0]
    energies, axes = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    energies, axes = energies[::-1], axes[:, ::-1]
    kept = energies > _RELATIVE * max(0.0, float(energies[0])) + _RESOLUTION * total
    energies, axes = energies[kept], axes[:, kept]
    left = axes if wide else x @ axes / np.sqrt(energies)
    return Spectrum(energies, left, x.shape[1])
