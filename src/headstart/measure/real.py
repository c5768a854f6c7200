"""Metrics of regression: targets (N,) and predictions (N,)."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.measure.metric import Evaluator, Vector, additive, divided, finite, mean_of


def r2(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Coefficient of determination, 1 − Σ(y − ŷ)² / Σ(y − ȳ)².

    Where the targets are constant: 1 if all predictions are right, else 0 (as scikit-learn does).
    """
    truth, guess = _pair(targets, predictions)
    centred = truth - truth.mean()  # the same R², without the loss of digits of large targets
    statistics = np.stack([np.ones_like(truth), centred, centred**2, (truth - guess) ** 2], axis=1)
    scale = float(np.abs(centred).max()) ** 2

    def finish(sums: Vector) -> Vector:
        count, first, second, residual = sums.T
        total = second - divided(first**2, count)
        constant = total <= 1e-12 * scale * count
        fit = 1 - divided(residual, total)
        return np.where(constant, (residual == 0).astype(np.float64), fit)

    return additive(statistics, finish)


def mae(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Mean absolute error, in the target's unit."""
    truth, guess = _pair(targets, predictions)
    return mean_of(np.abs(truth - guess))


def rmse(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Root of the mean squared error, in the target's unit."""
    truth, guess = _pair(targets, predictions)
    squares = mean_of((truth - guess) ** 2)
    return lambda weights: np.sqrt(squares(weights))


def spearman(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Spearman's rank correlation, with mid-ranks for ties; 0 where one side is constant."""
    truth, guess = _pair(targets, predictions)
    groups = [np.unique(values, return_inverse=True)[1] for values in (truth, guess)]

    def evaluate(weights: Vector) -> Vector:
        return np.array([_rank_correlation(row, *groups) for row in np.atleast_2d(weights)])

    return evaluate


def _rank_correlation(weights: Vector, first: Any, second: Any) -> float:
    """Correlate the mid-ranks of items that occur ``weights`` times each."""
    x, y = (_mid_ranks(weights, group) for group in (first, second))
    total = weights.sum()
    x, y = x - (weights @ x) / total, y - (weights @ y) / total
    below = np.sqrt((weights @ x**2) * (weights @ y**2))
    return float(weights @ (x * y) / below) if below > 0 else 0.0


def _mid_ranks(weights: Vector, group: Any) -> Vector:
    counts = np.bincount(group, weights)
    ranks: Vector = (np.cumsum(counts) - counts / 2)[group]
    return ranks


def _pair(targets: Any, predictions: Any) -> tuple[Vector, Vector]:
    truth, guess = np.asarray(targets, dtype=np.float64), finite(predictions)
    if guess.shape != truth.shape:
        raise ValueError(f"predictions of shape {guess.shape} for targets of shape {truth.shape}")
    return truth, guess
