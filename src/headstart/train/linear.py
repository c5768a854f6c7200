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
from headstart.train.axes import CHUNK_ROWS, mean_square, principal_axes
from headstart.train.logistic import TOLERANCE
from headstart.train.paths import Fits, RidgeFits, one_vs_rest_fits, softmax_fits

LOOSE = 0.5  # relative distance from the minimum at which scores no longer change
Targets = NDArray[Any]

#: Default strengths: scikit-learn's C on features divided by their root-mean-square norm.
STRENGTHS: tuple[float, ...] = tuple(float(f"{10 ** (k / 2):.3g}") for k in range(-3, 7))


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


def fit_path(
    features: NDArray[np.float32],
    targets: Targets,
    objective: Objective,
    n_classes: int,
    strengths: Sequence[float] = STRENGTHS,
    class_weight: NDArray[np.float64] | None = None,
    sample_weight: NDArray[np.float64] | None = None,
    tolerance: float = TOLERANCE,
    start: LinearHead | None = None,
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
        start: A head that is near already; saves steps of a logistic regression.

    Returns:
        Heads in the order of ``strengths``. The same input gives the same heads.

    Raises:
        WorkError: Features or targets are not finite, or there are no rows.
    """
    fits = _fits(
        features, targets, objective, n_classes, class_weight, sample_weight, tolerance, start=start
    )
    heads = {strength: LinearHead(*fits.at(strength)[0]) for strength in sorted(strengths)}
    return [heads[strength] for strength in strengths]


class FoldHeads:
    """Heads that each lack one fold of the rows, at any strength.

    One decomposition and one batched solve a strength serve all folds: a fold's head gives its
    rows the weight zero. All heads start from zero and see nothing of each other but the
    preconditioner, so that a held-out row's target moves no solution, only the way there.

    Args:
        features, targets, objective, n_classes, class_weight: As in :func:`fit_path`.
        fold: (N,) the fold, from 0 on, in which each row is held out; -1 for never.
        tolerance: As in :func:`fit_path`; scores need fewer digits than heads.
    """

    def __init__(
        self,
        features: NDArray[np.float32],
        targets: Targets,
        objective: Objective,
        n_classes: int,
        fold: NDArray[np.int64],
        class_weight: NDArray[np.float64] | None = None,
        tolerance: float = LOOSE,
    ) -> None:
        kept = fold[:, None] != np.arange(fold.max() + 1)  # (N, G)
        self._fits = _fits(
            features, targets, objective, n_classes, class_weight, None, tolerance, kept
        )

    def at(self, strength: float) -> list[LinearHead]:
        """Return a head a fold. Strengths that are near each other in turn are solved sooner."""
        return [LinearHead(*found) for found in self._fits.at(strength)]


def held_out(
    heads: Sequence[LinearHead],
    features: NDArray[np.float32],
    fold: NDArray[np.int64],
    objective: Objective,
) -> NDArray[np.float32]:
    """Return what each row's own fold's head predicts of it; rows never held out are left out."""
    shown = fold[fold >= 0]
    rows = torch.from_numpy(np.array(features[fold >= 0]))
    found = None
    for at, head in enumerate(heads):
        own = torch.from_numpy(np.flatnonzero(shown == at))
        logits = torch.addmm(
            torch.from_numpy(head.bias), rows[own], torch.from_numpy(head.weight).T
        )
        told = probabilities(logits, objective)
        found = told.new_empty(len(rows), *told.shape[1:]) if found is None else found
        found[own] = told
    assert found is not None
    return np.asarray(found.numpy())


def mean_head(heads: Sequence[LinearHead]) -> LinearHead:
    """Return a head to start from that is near all of ``heads``."""
    weight, bias = ([getattr(h, what) for h in heads] for what in ("weight", "bias"))
    return LinearHead(np.mean(weight, axis=0), np.mean(bias, axis=0))


def _fits(
    features: NDArray[np.float32],
    targets: Targets,
    objective: Objective,
    n_classes: int,
    class_weight: NDArray[np.float64] | None,
    sample_weight: NDArray[np.float64] | None,
    tolerance: float,
    kept: NDArray[np.bool_] | None = None,
    start: LinearHead | None = None,
) -> Fits:
    """Return the fits, one a column of ``kept`` (N, G)."""
    weights = np.ones(len(features)) if sample_weight is None else np.asarray(sample_weight)
    _check(features, targets, weights)
    if objective is Objective.SINGLE_LABEL and class_weight is not None:
        weights = weights * np.asarray(class_weight)[targets]
    axes, y = principal_axes(features, np.asarray(weights, dtype=np.float64)), np.asarray(targets)
    if kept is None:
        rows = torch.from_numpy(weights[:, None])
    else:  # fold by fold: what a fit leaves out lies together, and is skipped
        order = np.lexsort(kept.T)
        rows = torch.from_numpy((weights[:, None] * kept)[order])
        axes, y = axes.take(order), y[order]
    begin = None if start is None else (start.weight, start.bias)
    if objective is Objective.REAL:
        return RidgeFits(axes, y.astype(np.float64), rows)
    if objective is Objective.MULTI_LABEL:
        return one_vs_rest_fits(axes, y, class_weight, rows, tolerance, begin)
    return softmax_fits(axes, y, n_classes, rows, tolerance, begin)


def predict(
    head: LinearHead, features: NDArray[np.float32], objective: Objective
) -> NDArray[np.float32]:
    """Return probabilities (N, C), or for a regression values (N,)."""
    return np.asarray(probabilities(torch.from_numpy(head.logits(features)), objective).numpy())


def probabilities(logits: Tensor, objective: Objective) -> Tensor:
    """Return what (N, C) logits say: probabilities (N, C), or for a regression values (N,)."""
    if objective is Objective.REAL:
        return logits[:, 0]
    return logits.sigmoid() if objective is Objective.MULTI_LABEL else logits.softmax(dim=1)


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
    for begin in range(0, len(features), CHUNK_ROWS):
        part = slice(begin, begin + CHUNK_ROWS)
        np.add.at(sums, targets[part], np.asarray(features[part], dtype=np.float64))
    counts = np.bincount(targets, minlength=n_classes)
    means = sums / np.maximum(counts, 1)[:, None]
    bias = -temperature * np.square(means).sum(1)
    # An absent class has the mean 0; its bias puts it below every present class near the data.
    far = 1e4 * temperature * max(1.0, mean_square(features))
    bias[counts == 0] = bias[counts > 0].min() - far
    return LinearHead((2 * temperature * means).astype(np.float32), bias.astype(np.float32))


def _check(features: NDArray[np.float32], targets: Targets, weights: NDArray[Any]) -> None:
    if len(features) == 0:
        raise WorkError("a head cannot be fitted: there are no training rows")
    for begin in range(0, len(features), CHUNK_ROWS):
        part = np.asarray(features[begin : begin + CHUNK_ROWS])
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
