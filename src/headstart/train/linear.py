"""Linear heads on frozen features: a whole regularisation path from one decomposition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.errors import WorkError
from headstart.task.model import Objective
from headstart.train.logistic import TOLERANCE, LogisticProblem, solve

Targets = NDArray[Any]

#: Default strengths: scikit-learn's C on features divided by their root-mean-square norm.
STRENGTHS: tuple[float, ...] = tuple(float(f"{10 ** (k / 2):.3g}") for k in range(-3, 7))

_NEVER = -20.0  # logit of a class that the training rows lack: probability below 1e-8
_CHUNK_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class LinearHead:
    """A linear map on raw features: ``logits = x @ weight.T + bias``.

    Attributes:
        weight: (C, D) float32; C is 1 for a regression.
        bias: (C,) float32.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N, C) logits of (N, D) features."""
        return np.asarray(features @ self.weight.T + self.bias, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Axes:
    """Features on their principal axes: ``rows = (features - mean) / scale @ axes``.

    ``variances`` (R,) are the sums of squares of the columns of ``rows`` (N, R); R is at most
    min(N, D), and columns that carry nothing are gone. ``weights`` are (N,) row weights.
    """

    rows: Tensor
    axes: Tensor
    mean: Tensor
    scale: float
    weights: Tensor

    def head(self, parameters: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return weight (K, D) and bias (K,) on raw features for (K, R + 1) parameters."""
        weight = parameters[:, :-1].double() @ self.axes.T / self.scale
        bias = parameters[:, -1].double() - weight @ self.mean
        return weight.float().numpy(), bias.float().numpy()


def fit_path(
    features: NDArray[np.float32],
    targets: Targets,
    objective: Objective,
    n_classes: int,
    strengths: Sequence[float] = STRENGTHS,
    class_weight: NDArray[np.float64] | None = None,
    sample_weight: NDArray[np.float64] | None = None,
    tolerance: float = TOLERANCE,
) -> list[LinearHead]:
    """Fit one head a strength, all on the same features.

    A strength is scikit-learn's ``C`` (for a regression ``1 / alpha`` of ``Ridge``) on features
    divided by the root mean square of their norms, so that one grid serves every base; the bias
    is not regularised. Single-label: multinomial logistic regression (for two classes the
    binary one). Multi-label: one-vs-rest. Real: ridge regression in closed form.

    Args:
        features: (N, D) float32, may be memory-mapped.
        targets: As in :class:`~headstart.task.model.Part`: (N,) classes, (N, C) of 0 and 1,
            or (N,) values.
        objective: What the targets are.
        n_classes: C; classes without a training row get a logit that is never the largest.
        strengths: Any order; fitted from strong to weak regularisation.
        class_weight: (C,) weight of the rows of each class (multi-label: of its positives).
        sample_weight: (N,) weight of each row.
        tolerance: Of a logistic regression, see :func:`headstart.train.logistic.solve`.

    Returns:
        Heads in the order of ``strengths``. The same input gives the same heads.

    Raises:
        WorkError: Features or targets are not finite, or there are no rows.
    """
    weights = np.ones(len(features)) if sample_weight is None else np.asarray(sample_weight)
    _check(features, targets, weights)
    if objective is Objective.SINGLE_LABEL and class_weight is not None:
        weights = weights * np.asarray(class_weight)[targets]
    axes = _principal_axes(features, weights)
    order = sorted(range(len(strengths)), key=lambda k: strengths[k])
    ascending = [float(strengths[k]) for k in order]
    if objective is Objective.REAL:
        fitted = _ridge(axes, np.asarray(targets, dtype=np.float64), ascending)
    elif objective is Objective.MULTI_LABEL:
        fitted = _one_vs_rest(axes, np.asarray(targets), ascending, class_weight, tolerance)
    else:
        fitted = _multinomial(axes, np.asarray(targets), n_classes, ascending, tolerance)
    heads = dict(zip(order, fitted, strict=True))
    return [heads[k] for k in range(len(strengths))]


def predict(
    head: LinearHead, features: NDArray[np.float32], objective: Objective
) -> NDArray[np.float32]:
    """Return probabilities (N, C), or for a regression values (N,)."""
    logits = torch.from_numpy(head.logits(features))
    if objective is Objective.REAL:
        return np.asarray(logits[:, 0].numpy())
    if objective is Objective.MULTI_LABEL:
        return np.asarray(logits.sigmoid().numpy())
    return np.asarray(logits.softmax(dim=1).numpy())


def prototype_head(
    features: NDArray[np.float32],
    targets: NDArray[np.int64],
    n_classes: int,
    temperature: float = 1.0,
) -> LinearHead:
    """Return the nearest-class-mean classifier as a linear head.

    ``-temperature · ||x - mean_c||²`` differs from ``2·temperature·mean_c·x -
    temperature·||mean_c||²`` by what is the same for all classes, so the softmax of both is
    equal (Snell et al. 2017, "Prototypical networks", eq. 8). Classes without a row are never
    the nearest.

    Args:
        features: (N, D) float32.
        targets: (N,) class indices.
        n_classes: C.
        temperature: Factor on squared distances; larger is more certain.
    """
    _check(features, targets, np.ones(len(features)))
    sums = np.zeros((n_classes, features.shape[1]))
    for begin in range(0, len(features), _CHUNK_ROWS):
        part = slice(begin, begin + _CHUNK_ROWS)
        np.add.at(sums, targets[part], np.asarray(features[part], dtype=np.float64))
    counts = np.bincount(targets, minlength=n_classes)
    means = sums / np.maximum(counts, 1)[:, None]
    bias = -temperature * np.square(means).sum(1)
    # An absent class has the mean 0; its bias puts it below every present class near the data.
    far = 1e4 * temperature * max(1.0, _mean_square(features))
    bias[counts == 0] = bias[counts > 0].min() - far
    return LinearHead((2 * temperature * means).astype(np.float32), bias.astype(np.float32))


def _check(features: NDArray[np.float32], targets: Targets, weights: NDArray[Any]) -> None:
    if len(features) == 0:
        raise WorkError("a head cannot be fitted: there are no training rows")
    for begin in range(0, len(features), _CHUNK_ROWS):
        part = np.asarray(features[begin : begin + _CHUNK_ROWS])
        broken = ~np.isfinite(part).all(axis=1)
        if broken.any():
            raise WorkError(
                "a head cannot be fitted: the base's features are not finite",
                where=f"feature row {begin + int(broken.argmax())}",
                mend="check the base's weights (a broken download?) or choose another base",
            )
    if not np.isfinite(np.asarray(targets, dtype=np.float64)).all():
        raise WorkError("a head cannot be fitted: a target is not finite")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
        raise WorkError("a head cannot be fitted: row weights must be positive numbers")


def _mean_square(features: NDArray[np.float32]) -> float:
    """Return the mean over rows of the squared norm."""
    total = 0.0
    for begin in range(0, len(features), _CHUNK_ROWS):
        total += float(np.square(features[begin : begin + _CHUNK_ROWS], dtype=np.float64).sum())
    return total / len(features)


def _principal_axes(features: NDArray[np.float32], weights: NDArray[Any]) -> _Axes:
    """Centre, scale and rotate the features; one (min(N, D))³ decomposition for all strengths."""
    scale = float(np.sqrt(_mean_square(features))) or 1.0
    x = torch.from_numpy(np.array(features, dtype=np.float32))  # a copy: the original stays
    s = torch.from_numpy(np.asarray(weights, dtype=np.float64))
    mean = _weighted_sum(x, s) / s.sum()
    x.sub_(mean.float()).div_(scale)
    if len(x) <= x.shape[1]:
        doubled = x.double()
        values, left = torch.linalg.eigh(doubled @ doubled.T)  # (N,), (N, N)
        kept = _kept(values)
        axes = doubled.T @ left[:, kept] / values[kept].sqrt()
    else:
        values, axes = torch.linalg.eigh(_gram(x))
        axes = axes[:, _kept(values)]
    # float32 centring leaves a rest of the mean; what it shifts is in the bias, exactly
    return _Axes(x @ axes.float(), axes, mean.float().double(), scale, s)


def _weighted_sum(x: Tensor, s: Tensor) -> Tensor:
    total = torch.zeros(x.shape[1], dtype=torch.float64)
    for part, weight in zip(torch.split(x, _CHUNK_ROWS), torch.split(s, _CHUNK_ROWS), strict=True):
        total += weight @ part.double()
    return total


def _gram(x: Tensor) -> Tensor:
    """Return (D, D) ``x.T @ x`` in float64, with no float64 copy of all rows."""
    total = torch.zeros(x.shape[1], x.shape[1], dtype=torch.float64)
    for part in torch.split(x, _CHUNK_ROWS):
        doubled = part.double()
        total.addmm_(doubled.T, doubled)
    return total


def _kept(values: Tensor) -> Tensor:
    """Return which eigenvalues are more than rounding (a constant column's is not)."""
    floor = 1e-12 * float(values.max().clamp(min=0)) + 1e-30
    return values > floor


def _ridge(axes: _Axes, y: NDArray[np.float64], strengths: Sequence[float]) -> list[LinearHead]:
    """Return ridge regressions ``min sum s (y - w x - b)² + ||w||² / C`` for all C at once."""
    s, target = axes.weights, torch.from_numpy(y)
    centre = (s @ target) / s.sum()
    r = axes.rows.double()
    weighted = r * s.unsqueeze(1)
    values, turn = torch.linalg.eigh(weighted.T @ r - torch.outer(s @ r, s @ r) / s.sum())
    moment = turn.T @ (weighted.T @ (target - centre))
    drift = (s @ r) / s.sum()  # what is left of the mean
    heads = []
    for strength in strengths:
        w = turn @ (moment / (values + 1 / strength))
        parameters = torch.cat([w, (centre - drift @ w).reshape(1)]).unsqueeze(0)
        heads.append(LinearHead(*axes.head(parameters)))
    return heads


def _multinomial(
    axes: _Axes,
    y: NDArray[np.int64],
    n_classes: int,
    strengths: Sequence[float],
    tolerance: float,
) -> list[LinearHead]:
    present, compact = np.unique(y, return_inverse=True)
    problem = LogisticProblem(
        rows=axes.rows,
        targets=torch.from_numpy(compact.astype(np.int64)),
        weights=axes.weights.to(axes.rows.dtype),
        positive_weights=None,
        outputs=len(present),
    )
    # Two softmax outputs share what one binary output would carry: half the penalty.
    halved = 0.5 if len(present) == 2 else 1.0
    heads, parameters = [], None
    for strength in strengths:
        parameters = solve(problem, halved * strength, parameters, tolerance=tolerance)
        parameters = parameters - parameters.mean(0)  # the softmax does not see it
        weight, bias = axes.head(parameters)
        heads.append(_spread(weight, bias, present, n_classes, _NEVER))
    return heads


def _one_vs_rest(
    axes: _Axes,
    y: NDArray[np.float32],
    strengths: Sequence[float],
    class_weight: NDArray[np.float64] | None,
    tolerance: float,
) -> list[LinearHead]:
    n_classes = y.shape[1]
    share = y.mean(axis=0)
    mixed = np.flatnonzero((share > 0) & (share < 1))
    dtype = axes.rows.dtype
    positive = None if class_weight is None else torch.from_numpy(class_weight[mixed]).to(dtype)
    problem = LogisticProblem(
        rows=axes.rows,
        targets=torch.from_numpy(y[:, mixed]).to(dtype),
        weights=axes.weights.to(dtype),
        positive_weights=positive,
        outputs=len(mixed),
    )
    constant = np.where(share > 0, -_NEVER, _NEVER).astype(np.float32)
    heads, parameters = [], None
    for strength in strengths:
        parameters = solve(problem, strength, parameters, tolerance=tolerance)
        weight, bias = axes.head(parameters)
        heads.append(_spread(weight, bias, mixed, n_classes, constant))
    return heads


def _spread(
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    rows: NDArray[np.int64],
    n_classes: int,
    elsewhere: float | NDArray[np.float32],
) -> LinearHead:
    """Return the head over all classes, with logit ``elsewhere`` for those not fitted."""
    all_weight = np.zeros((n_classes, weight.shape[1]), dtype=np.float32)
    all_bias = np.broadcast_to(np.float32(elsewhere), (n_classes,)).copy()
    all_weight[rows], all_bias[rows] = weight, bias
    return LinearHead(all_weight, all_bias)
