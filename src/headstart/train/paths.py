"""Regularisation paths of several fits side by side, each strength from those solved before."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from math import log

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.train.axes import Axes
from headstart.train.logistic import LogisticProblem, solve

NEVER = -20.0  # logit of a class that the training rows lack: probability below 1e-8
_PARAMETERS = 1 << 23  # of fits solved side by side: 32 MB in float32, some twenty times
_AHEAD = 0.8  # of the last step along the path, taken again before the next strength is solved
_REMEMBERED = 3  # strengths whose solutions the next ones may start from

Weights = tuple[NDArray[np.float32], NDArray[np.float32]]


class Fits(ABC):
    """Fits on the same rows that differ in the rows' weights."""

    @abstractmethod
    def at(self, strength: float) -> list[Weights]:
        """Return weight (C, D) and bias (C,) of each fit at one strength, on raw features."""


class RidgeFits(Fits):
    """The minima of ``sum s (y - w x - b)² + ||w||² / C``, in closed form.

    Args:
        axes: The features.
        y: (N,) values.
        weights: (N, G) of the rows in each fit.
    """

    def __init__(self, axes: Axes, y: NDArray[np.float64], weights: Tensor) -> None:
        target, r = torch.from_numpy(y), axes.rows.double()
        self.axes = axes
        self.solved = [_ridge(r, target, s) for s in weights.double().T]

    def at(self, strength: float) -> list[Weights]:
        """Scale the eigenvalues; C = ``strength``."""
        fits = []
        for values, turn, moment, drift, centre in self.solved:
            w = turn @ (moment / (values + 1 / strength))
            offset = (centre - drift @ w).reshape(1)
            fits.append(self.axes.head(torch.cat([w, offset]).unsqueeze(0)))
        return fits


def _ridge(r: Tensor, target: Tensor, s: Tensor) -> tuple[Tensor, ...]:
    """Return eigenvalues, axes and moments of one weighted fit, and the rows' and y's means."""
    total, centre = s.sum(), (s @ target) / s.sum()
    weighted = r * s.unsqueeze(1)
    drift = (s @ r) / total  # what is left of the mean
    values, turn = torch.linalg.eigh(weighted.T @ r - total * torch.outer(drift, drift))
    return values, turn, turn.T @ (weighted.T @ (target - centre)), drift, centre


class LogisticFits(Fits):
    """What softmax and one-vs-rest regressions share: as many fits at once as memory allows.

    Args:
        axes: The features.
        problem: The fits.
        first: (G, K, R + 1) parameters to begin with.
        tolerance: See :func:`headstart.train.logistic.solve`.
        softmax: Whether logits count up to what all classes share.
        rows: (K,) the classes that are fitted.
        elsewhere: (C,) logits of the others.
    """

    def __init__(
        self,
        axes: Axes,
        problem: LogisticProblem,
        first: Tensor,
        tolerance: float,
        *,
        softmax: bool,
        rows: NDArray[np.int64],
        elsewhere: NDArray[np.float32],
    ) -> None:
        most = max(1, _PARAMETERS // max(1, first[0].numel()))
        self.axes, self.rows, self.elsewhere = axes, rows, elsewhere
        # Two softmax outputs share what one binary output would carry: half the penalty.
        self.share = 0.5 if softmax and len(rows) == 2 else 1.0
        self.paths = [
            _Path(problem.some(fits), first[fits], tolerance, centred=softmax)
            for fits in torch.split(torch.arange(len(first)), most)
        ]

    def at(self, strength: float) -> list[Weights]:
        """Solve; C = ``strength``, as scikit-learn's."""
        found = [path.at(self.share * strength) for path in self.paths]
        return [self._spread(*self.axes.head(one)) for part in found for one in part]

    def _spread(self, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> Weights:
        """Return the head over all classes."""
        all_weight = np.zeros((len(self.elsewhere), weight.shape[1]), dtype=np.float32)
        all_bias = self.elsewhere.copy()
        all_weight[self.rows], all_bias[self.rows] = weight, bias
        return all_weight, all_bias


def softmax_fits(
    axes: Axes,
    y: NDArray[np.int64],
    n_classes: int,
    weights: Tensor,
    tolerance: float,
    start: Weights | None = None,
) -> LogisticFits:
    """Return multinomial logistic regressions.

    Args:
        axes: The features.
        y: (N,) classes.
        n_classes: C; those without a row in a fit get the logit :data:`NEVER` there.
        weights: (N, G) of the rows in each fit.
        tolerance: See :func:`headstart.train.logistic.solve`.
        start: (n_classes, D) weight and (n_classes,) bias to start all fits from.
    """
    present, compact = np.unique(y, return_inverse=True)
    targets = torch.from_numpy(compact.astype(np.int64))
    mass = torch.zeros(len(present), weights.shape[1], dtype=weights.dtype)
    absent = mass.index_add_(0, targets, weights).T == 0  # (G, K)
    first = _first(axes, absent, torch.full_like(mass.T, NEVER), start, present)
    problem = LogisticProblem(axes.rows, targets, weights.to(axes.rows.dtype), None, absent)
    elsewhere = np.full(n_classes, NEVER, dtype=np.float32)
    return LogisticFits(
        axes, problem, first, tolerance, softmax=True, rows=present, elsewhere=elsewhere
    )


def one_vs_rest_fits(
    axes: Axes,
    y: NDArray[np.float32],
    class_weight: NDArray[np.float64] | None,
    weights: Tensor,
    tolerance: float,
    start: Weights | None = None,
) -> LogisticFits:
    """Return a binary logistic regression a label, for each fit.

    Args:
        axes: The features.
        y: (N, C) of 0 and 1. A label that all or none of a fit's rows have is constant.
        class_weight: (C,) of the ones of each label.
        weights, tolerance, start: As in :func:`softmax_fits`.
    """
    dtype, share = axes.rows.dtype, y.mean(axis=0)
    mixed = np.flatnonzero((share > 0) & (share < 1))
    targets = torch.from_numpy(y[:, mixed]).to(dtype)
    weights = weights.to(dtype)
    ones, zeros = weights.T @ targets, weights.T @ (1 - targets)  # (G, K)
    constant = torch.where(ones > 0, -NEVER, NEVER).to(dtype)
    fixed = (ones == 0) | (zeros == 0)
    positive = None if class_weight is None else torch.from_numpy(class_weight[mixed]).to(dtype)
    first = _first(axes, fixed, constant, start, mixed)
    problem = LogisticProblem(axes.rows, targets, weights, positive, fixed)
    elsewhere = np.where(share > 0, -NEVER, NEVER).astype(np.float32)
    return LogisticFits(
        axes, problem, first, tolerance, softmax=False, rows=mixed, elsewhere=elsewhere
    )


def _first(
    axes: Axes, fixed: Tensor, constant: Tensor, start: Weights | None, rows: NDArray[np.int64]
) -> Tensor:
    """Return (G, K, R + 1) parameters to begin with; where ``fixed``, the ``constant`` logit."""
    dtype = axes.rows.dtype
    fits, outputs = fixed.shape
    found = torch.zeros(fits, outputs, axes.rows.shape[1] + 1, dtype=dtype)
    if start is not None:
        found[:] = axes.parameters(start[0][rows], start[1][rows]).to(dtype)
    found[fixed] = 0.0
    found[:, :, -1] = torch.where(fixed, constant.to(dtype), found[:, :, -1])
    return found


class _Path:
    """Fits solved strength by strength, each from where those solved before point to."""

    def __init__(
        self, problem: LogisticProblem, first: Tensor, tolerance: float, *, centred: bool
    ) -> None:
        self.problem, self.first, self.tolerance = problem, first, tolerance
        self.free = (~problem.fixed).unsqueeze(2).to(first.dtype)  # (G, K, 1)
        self.centred = centred
        self.solved: deque[tuple[float, Tensor]] = deque(maxlen=_REMEMBERED)

    def at(self, strength: float) -> Tensor:
        """Return (G, K, R + 1) parameters."""
        place = log(strength)
        found = solve(self.problem, strength, self._start(place), tolerance=self.tolerance)
        if self.centred:  # the softmax does not see what all classes share
            shared = (found * self.free).sum(1, keepdim=True)
            found = found - shared / self.free.sum(1, keepdim=True).clamp(min=1) * self.free
        self.solved.append((place, found))
        return found

    def _start(self, place: float) -> Tensor:
        """Return a point on the line through the two nearest solutions, over log C."""
        near = sorted(self.solved, key=lambda one: abs(one[0] - place))
        if not near:
            return self.first
        if len(near) == 1 or near[0][0] == place:
            return near[0][1]
        (at, found), (other, before) = near[:2]
        way = (place - at) / (at - other)
        return found + (_AHEAD * min(1.0, way) if way > 0 else way) * (found - before)
