"""logme: the evidence of a Bayesian linear model on the features (You et al. 2021)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from headstart.rank.score import Evidence, TransferScore
from headstart.rank.spectrum import Matrix, Spectrum, spectrum

_FLOOR = 1e-10  # least noise, of the target's mean square: below it a fit is exact
_A_DECADE = 8  # grid points; the evidence bends over an e-fold or more
_BISECTIONS = 30


class LogME(TransferScore):
    """Log maximum evidence a row, averaged over the target columns.

    You, Liu, Wang & Long 2021, https://arxiv.org/abs/2102.11005: a target column is
    ``y = F w + noise`` with ``w ~ N(0, 1/α)`` and ``noise ~ N(0, 1/β)``, so that
    ``y ~ N(0, I/β + F Fᵀ/α)``; α and β are those that make y most likely. Each class is a column
    of 0 and 1.

    The paper finds α and β by a fixed-point iteration, which climbs to a local maximum and
    crawls where one of them runs to infinity. Here β has a closed form for each ratio α/β, so
    that one number is left: it is searched over its whole range on the singular values, which is
    right for N < D and N > D alike. Both ends are held: features that explain nothing give the
    evidence of pure noise, and a perfect fit has noise of 1e-10 of the target's mean square.

    Range: unbounded both ways; only bases on the same rows and targets compare. Meaning: how
    probable the targets are when weights are averaged out, so that width alone does not help.
    Unmoved by rotation and by the features' common scale. Cost: O(N · D · min(N, D)) once, and
    O(N · C · R) for the search, with R the rank.
    """

    name: ClassVar[str] = "logme"
    summary: ClassVar[str] = "evidence of a Bayesian linear model"

    def score(self, evidence: Evidence, seed: int = 0) -> float:
        """Return the mean log evidence a row, in nats."""
        found = spectrum(evidence.features, centred=False)
        return float(log_evidence(found, evidence.columns).mean())


def log_evidence(features: Spectrum, columns: Matrix) -> Matrix:
    """Return (K,) maxima over α and β of ``log p(y | F, α, β) / N``, y being (N, K) columns.

    With the ratio ``t = α/β``, singular values s and the target's share e on their axes, the
    best noise is ``1/β = mean square · q(t)``, ``q = Σ e t/(t + s²) + (1 - Σ e)``, and the
    evidence is ``-½ (log 2π/β + q/(noise) + Σ log(1 + s²/t) / N)``.
    """
    rows = len(columns)
    square = np.square(columns).mean(axis=0)  # (K,)
    share = np.square(features.left.T @ columns) / (rows * square)  # (R, K)
    whole = len(features.energies) == rows  # the axes span every target
    rest = np.zeros(len(square)) if whole else np.maximum(0.0, 1 - share.sum(axis=0))
    best = _null(rest, share)
    if len(features.energies):
        best = np.maximum(best, _searched(features.energies, share, rest, rows))
    return np.asarray(best - np.log(square) / 2)


def _density(noise: Matrix, volume: Matrix) -> Matrix:
    """Return the log evidence a row of a column of mean square one."""
    held = np.maximum(noise, _FLOOR)
    return np.asarray(-(np.log(2 * np.pi * held) + noise / held + volume) / 2)


def _null(rest: Matrix, share: Matrix) -> Matrix:
    """Return the limit t → ∞: weights of zero."""
    return _density(rest + share.sum(axis=0), np.zeros(len(rest)))


def _searched(energies: Matrix, share: Matrix, rest: Matrix, rows: int) -> Matrix:
    """Return (K,) the best evidence over t: a grid over all decades, then each best bracket."""
    low, high = np.log10(energies[-1]) - 12, np.log10(energies[0]) + 6
    grid = np.linspace(low, high, int((high - low) * _A_DECADE) + 1) * np.log(10)
    t = np.exp(grid)[:, np.newaxis]  # (T, 1)
    coarse = _density(
        (t / (t + energies)) @ share + rest,
        np.log1p(energies / t).sum(axis=1, keepdims=True) / rows,
    )  # (T, K)
    top = coarse.argmax(axis=0)
    left, right = grid[np.maximum(top - 1, 0)], grid[np.minimum(top + 1, len(grid) - 1)]

    def at(log_t: Matrix) -> Matrix:
        ratio = energies[:, np.newaxis] / np.exp(log_t)  # (R, K)
        noise = (share / (1 + ratio)).sum(axis=0) + rest
        return _density(noise, np.log1p(ratio).sum(axis=0) / rows)

    for _ in range(_BISECTIONS):
        third = (right - left) / 3
        rising = at(left + third) < at(right - third)
        left, right = np.where(rising, left + third, left), np.where(rising, right, right - third)
    return np.asarray(np.maximum(coarse.max(axis=0), at((left + right) / 2)))
