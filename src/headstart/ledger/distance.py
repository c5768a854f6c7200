"""How far apart two tasks are, from statistics of their features on one base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = 1  # raised whenever the same features would no longer give the same summary
WIDTH = 64  # of each projected part
SEED = 20240229
CHUNK = 4096
_DECIMALS = 6  # rounds away what the order of a sum leaves
_SPECTRUM = (1, 4, 16)  # shares of variance in so many directions
_CLASSES, _ROWS, _FACTS = 12.0, 7.0, 0.5  # 2^12 classes or 10^7 rows weigh 1; facts half a part

Vector = NDArray[np.float64]


def summary(features: Any, targets: Any) -> NDArray[np.float32]:
    """Return what is typical of a task on a base, as a vector to measure distances between.

    In the spirit of Task2Vec (Achille et al. 2019, https://arxiv.org/abs/1902.03545), which
    embeds a task by the Fisher information of a probe network, but from sums over the features
    alone: one pass, no training. Features are first scaled so that a row's mean squared norm is 1.
    The parts, each of norm 1 at most or so:

    - mean of the features: which inputs; random projection to 64 numbers
    - standard deviation of each feature: how they vary; the same projection
    - root of what each feature varies with the targets: what is asked; the same projection
    - facts, each 0 to 0.5: log classes, log rows, evenness of the classes, share of variance
      between classes, shares of variance in the first 1, 4 and 16 directions

    The order of the rows, and the names and the order of the classes, make no difference.

    Args:
        features: (N, D) float32, N at least 1.
        targets: (N,) int class indices, (N,) float, or (N, C) of 0 and 1.

    Returns:
        (199,) float32, whatever D.

    Raises:
        ValueError: Shapes that do not fit, no rows, or numbers that are NaN or infinite.
    """
    features, targets = _checked(np.asarray(features), np.asarray(targets))
    labels = _indicators(targets)
    project = _projection(features.shape[1])
    sums = _summed(features, labels, project)
    scale = float(np.sqrt(max(sums.squares.sum() / sums.rows, np.finfo(np.float64).tiny)))
    mean = sums.total / sums.rows / scale
    variance = np.maximum(sums.squares / sums.rows / scale**2 - mean**2, 0.0)
    explained = _unbiased(_explained(sums, labels) / scale**2, variance, sums.rows, labels)
    facts = [
        np.log2(1 + labels.classes) / _CLASSES,
        np.log10(1 + sums.rows) / _ROWS,
        _evenness(sums.of_labels) if labels.classes else 0.0,
        explained.sum() / max(variance.sum(), np.finfo(np.float64).tiny),
        *_decay(sums),
    ]
    parts = (mean @ project, np.sqrt(variance) @ project, np.sqrt(explained) @ project)
    whole = np.concatenate([*parts, _FACTS * np.array(facts)])
    # Adding 0 turns -0 into 0: equal vectors are then equal bytes.
    return (np.round(whole, _DECIMALS) + 0.0).astype(np.float32)


def distance(first: Any, second: Any) -> float:
    """Return the Euclidean distance of two summaries: 0 only for equal ones.

    Args:
        first, second: (S,) float32 summaries of the same base.
    """
    apart = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    largest = float(np.abs(apart).max(initial=0.0))
    # Scaled first, so that the square of a tiny difference is not lost.
    return 0.0 if largest == 0 else largest * float(np.sqrt(np.square(apart / largest).sum()))


@dataclass(frozen=True)
class _Labels:
    """Targets as columns: ``values`` (N,) class indices or (N, K) numbers; ``classes`` 0: real."""

    values: NDArray[Any]
    columns: int
    classes: int


@dataclass(frozen=True)
class _Sums:
    """Sums over rows: ``total``, ``squares`` (D,); ``crossed`` (K, D) of label times features;
    ``of_labels``, ``of_squares`` (K,); ``gram`` (64, 64) and ``projected`` (64,) of the projection.
    """

    rows: int
    total: Vector
    squares: Vector
    crossed: Vector
    of_labels: Vector
    of_squares: Vector
    gram: Vector
    projected: Vector


def _checked(
    features: NDArray[Any], targets: NDArray[Any]
) -> tuple[NDArray[np.float32], NDArray[Any]]:
    if features.ndim != 2 or 0 in features.shape:
        raise ValueError(f"features of shape {features.shape}; expected (N, D)")
    if targets.ndim not in (1, 2) or len(targets) != len(features):
        raise ValueError(f"targets of shape {targets.shape} for {len(features)} rows of features")
    features = features.astype(np.float32, copy=False)
    for name, values in (("features", features), ("targets", targets)):
        if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
            raise ValueError(f"{name} that are not all finite numbers")
    return features, targets


def _indicators(targets: NDArray[Any]) -> _Labels:
    if targets.ndim == 2:
        return _Labels(targets, targets.shape[1], targets.shape[1])
    if targets.dtype.kind == "f":
        return _Labels(targets[:, None], 1, 0)
    found, indices = np.unique(targets, return_inverse=True)
    return _Labels(indices, found.size, found.size)


def _summed(features: NDArray[np.float32], labels: _Labels, project: Vector) -> _Sums:
    width = features.shape[1]
    total, squares = np.zeros(width), np.zeros(width)
    crossed = np.zeros((labels.columns, width))
    of_labels, of_squares = np.zeros(labels.columns), np.zeros(labels.columns)
    gram, projected = np.zeros((WIDTH, WIDTH)), np.zeros(WIDTH)
    for start in range(0, len(features), CHUNK):
        rows = features[start : start + CHUNK].astype(np.float64)
        columns = _columns(labels, slice(start, start + CHUNK))
        low = rows @ project
        total += rows.sum(axis=0)
        squares += np.square(rows).sum(axis=0)
        crossed += columns.T @ rows
        of_labels += columns.sum(axis=0)
        of_squares += np.square(columns).sum(axis=0)
        gram += low.T @ low
        projected += low.sum(axis=0)
    return _Sums(len(features), total, squares, crossed, of_labels, of_squares, gram, projected)


def _columns(labels: _Labels, rows: slice) -> Vector:
    values = labels.values[rows]
    if values.ndim == 2:
        return values.astype(np.float64)
    columns = np.zeros((len(values), labels.columns))
    columns[np.arange(len(values)), values] = 1.0
    return columns


def _explained(sums: _Sums, labels: _Labels) -> Vector:
    """Return the variance of each feature that the targets explain, (D,), before scaling.

    Classes: the variance between their means. Other targets: each column's own share of it by
    linear regression, averaged over the columns.
    """
    apart = sums.crossed - np.outer(sums.of_labels, sums.total) / sums.rows  # (K, D)
    if labels.values.ndim == 1:
        between = np.square(apart) / sums.of_labels[:, None]
        return np.asarray(between.sum(axis=0) / sums.rows)
    spread = sums.of_squares - np.square(sums.of_labels) / sums.rows  # (K,)
    varied = spread > 1e-12 * np.maximum(sums.of_squares, 1e-300)
    if not varied.any():
        return np.zeros_like(sums.total)
    shares = np.square(apart[varied]) / spread[varied, None]
    return np.asarray(shares.mean(axis=0) / sums.rows)


def _unbiased(explained: Vector, variance: Vector, rows: int, labels: _Labels) -> Vector:
    """Return the explained variance less what as many random targets would explain.

    As in the adjusted R²: many classes of few rows each explain much of anything.
    """
    used = labels.columns - 1 if labels.values.ndim == 1 else 1
    free = rows - 1 - used
    if free <= 0:
        return np.zeros_like(explained)
    left = np.maximum(variance - explained, 0.0)
    return np.clip(explained - used / free * left, 0.0, variance)


def _evenness(counts: Vector) -> float:
    """Return the entropy of the class shares over its largest, 0 to 1."""
    shares = counts[counts > 0] / max(counts.sum(), 1.0)
    if shares.size < 2:
        return 0.0
    return float(-(shares * np.log(shares)).sum() / np.log(shares.size))


def _decay(sums: _Sums) -> list[float]:
    """Return the shares of variance in the first few directions of the projected features."""
    centred = sums.gram - np.outer(sums.projected, sums.projected) / sums.rows
    values = np.maximum(np.linalg.eigvalsh(centred)[::-1], 0.0)
    whole = values.sum()
    # What is left of a constant after rounding is no variance.
    if whole <= 1e-9 * np.trace(sums.gram):
        return [0.0] * len(_SPECTRUM)
    return [float(values[:first].sum() / whole) for first in _SPECTRUM]


def _projection(width: int) -> Vector:
    """Return (D, 64): a projection that keeps norms on average, the same for the same D."""
    # RandomState, since its numbers are promised to stay the same in later versions of numpy.
    draws = np.random.RandomState(SEED).standard_normal((width, WIDTH))
    return np.asarray(draws / np.sqrt(WIDTH))
