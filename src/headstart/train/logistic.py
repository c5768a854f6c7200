"""The solver below a classifier's head: L2-regularised logistic losses by preconditioned L-BFGS.

The objective is scikit-learn's, for weights W (K, R), bias b (K,) and rows x_i (R,):

    C · sum_i s_i · loss_i(W x_i + b)  +  1/2 · ||W||²

with softmax cross-entropy (one class a row) or the sum over K of binary cross-entropies. The
columns of X are expected to be centred and uncorrelated (principal axes): then, while
regularisation is strong, the diagonal of the Hessian says nearly all of it. L-BFGS (Nocedal &
Wright 2006, algorithm 7.4) starts from this diagonal, and where that is not soon enough from
each class's block of the Hessian (:mod:`headstart.train.curvature`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from headstart.train.curvature import (
    DiagonalInverse,
    InverseHessian,
    block_inverse,
    blocks_fit,
    candidate_step,
    iterations_worth,
)

_CHUNK_ELEMENTS = 1 << 21  # logits held at once: 8 MB in float32
_HISTORY_ELEMENTS = 60_000_000  # L-BFGS pairs held at once: 480 MB in float32
TOLERANCE = 2e-2  # relative distance from the minimum: no decision changes below it
_SUFFICIENT_DECREASE = 1e-4
_SHORTEST_STEP = 1e-6


@dataclass(frozen=True, slots=True)
class LogisticProblem:
    """Data of one fit.

    Attributes:
        rows: (N, R) centred features on their principal axes.
        targets: (N,) int64 class indices, or (N, K) of 0 and 1 for one-vs-rest.
        weights: (N,) weight of each row.
        positive_weights: (K,) weight of the ones in each column of one-vs-rest targets, or None.
        outputs: K.
    """

    rows: Tensor
    targets: Tensor
    weights: Tensor
    positive_weights: Tensor | None
    outputs: int

    def losses_and_slopes(self, logits: Tensor, part: slice) -> tuple[Tensor, Tensor]:
        """Return weighted loss (M, 1) or (M, K), and its gradient (M, K) in the logits."""
        targets, weights = self.targets[part], self.weights[part].unsqueeze(1)
        if targets.ndim == 1:
            rows = targets.unsqueeze(1)
            p = F.log_softmax(logits, dim=1)
            loss = -p.gather(1, rows) * weights
            p.exp_().scatter_add_(1, rows, p.new_full((len(p), 1), -1.0))
            return loss, p.mul_(weights)
        weights = self._with_positives(targets, weights)
        loss = F.binary_cross_entropy_with_logits(logits, targets, reduction="none") * weights
        return loss, (logits.sigmoid() - targets) * weights

    def curvature(self, logits: Tensor, part: slice) -> Tensor:
        """Return the weighted second derivative (M, K) of the loss in each logit."""
        targets, weights = self.targets[part], self.weights[part].unsqueeze(1)
        if targets.ndim == 1:
            p = F.softmax(logits, dim=1)
        else:
            p, weights = logits.sigmoid(), self._with_positives(targets, weights)
        return p * (1 - p) * weights

    def _with_positives(self, targets: Tensor, weights: Tensor) -> Tensor:
        if self.positive_weights is None:
            return weights
        return weights * (1 + targets * (self.positive_weights - 1))


@dataclass(frozen=True, slots=True)
class _Point:
    """Objective at ``parameters`` (K, R + 1; the bias last), its gradient and Hessian diagonal."""

    parameters: Tensor
    value: float
    gradient: Tensor
    diagonal: Tensor | None = None


def solve(
    problem: LogisticProblem,
    strength: float,
    start: Tensor | None = None,
    *,
    tolerance: float = TOLERANCE,
    iterations: int = 500,
) -> Tensor:
    """Minimise the objective of this module at C = ``strength``.

    The objective is 1-strongly convex in W, so ``||gradient|| <= tolerance · ||W||``, where the
    solver stops, puts W within about that relative distance of the minimum.

    Args:
        problem: The data.
        strength: C; larger is weaker regularisation.
        start: (K, R + 1) parameters to start from, e.g. those of a stronger regularisation.
        tolerance: Relative distance from the minimum at which to stop.
        iterations: Most steps to take.

    Returns:
        (K, R + 1) parameters, the bias in the last column.
    """
    width = problem.rows.shape[1] + 1
    parameters = problem.rows.new_zeros(problem.outputs, width) if start is None else start
    point = _evaluate(problem, strength, parameters, diagonal=True)
    assert point.diagonal is not None
    inverse: InverseHessian = DiagonalInverse(point.diagonal)
    held = max(3, min(12, _HISTORY_ELEMENTS // max(1, 2 * parameters.numel())))
    pairs: deque[tuple[Tensor, Tensor]] = deque(maxlen=held)
    # As many plain iterations as the blocks cost: at worst twice what knowing beforehand would.
    patience = iterations_worth(len(problem.rows), width - 1, problem.outputs)
    for iteration in range(iterations):
        if float(point.gradient.norm()) <= tolerance * float(point.parameters[:, :-1].norm()):
            break
        if iteration == patience and blocks_fit(problem.outputs, width - 1):
            inverse = _blocks(problem, strength, point.parameters)
            pairs.clear()
        following = _step(problem, strength, point, _direction(point.gradient, inverse, pairs))
        if following is None:
            if not pairs:
                break  # as near as rounding lets it come
            pairs.clear()  # the remembered curvature misleads: once more without it
            continue
        moved = following.parameters - point.parameters
        bent = following.gradient - point.gradient
        if float((moved * bent).sum()) > 1e-10 * float(bent.norm()) * float(moved.norm()):
            pairs.append((moved, bent))
        point = following
    return point.parameters


def _blocks(problem: LogisticProblem, strength: float, parameters: Tensor) -> InverseHessian:
    step = candidate_step(len(problem.rows), problem.outputs)
    part = slice(None, None, step)
    rows = problem.rows[part]
    logits = torch.addmm(parameters[:, -1], rows, parameters[:, :-1].T)
    curvature = problem.curvature(logits, part)
    return block_inverse(rows, curvature * step, strength)


def _evaluate(
    problem: LogisticProblem, strength: float, parameters: Tensor, diagonal: bool = False
) -> _Point:
    """Return objective and gradient; logits exist for some rows at a time only."""
    rows, weight, bias = problem.rows, parameters[:, :-1], parameters[:, -1]
    chunk = max(256, _CHUNK_ELEMENTS // max(1, problem.outputs))
    total = torch.zeros((), dtype=torch.float64)
    gradient = torch.zeros_like(parameters)
    curvature = torch.zeros_like(parameters) if diagonal else None
    for begin in range(0, len(rows), chunk):
        part = slice(begin, begin + chunk)
        x = rows[part]  # (M, R)
        logits = torch.addmm(bias, x, weight.T)  # (M, K)
        bend = problem.curvature(logits, part) if curvature is not None else None
        loss, slope = problem.losses_and_slopes(logits, part)
        total += loss.sum(dtype=torch.float64)
        gradient[:, :-1].addmm_(slope.T, x)
        gradient[:, -1] += slope.sum(0)
        if curvature is not None and bend is not None:
            curvature[:, :-1].addmm_(bend.T, x.square())
            curvature[:, -1] += bend.sum(0)
    value = strength * float(total) + 0.5 * float(weight.square().sum(dtype=torch.float64))
    gradient *= strength
    gradient[:, :-1] += weight
    if curvature is not None:
        curvature *= strength
        curvature[:, :-1] += 1.0
    return _Point(parameters, value, gradient, curvature)


def _direction(
    gradient: Tensor, inverse: InverseHessian, pairs: deque[tuple[Tensor, Tensor]]
) -> Tensor:
    """Return the quasi-Newton direction (two-loop recursion from ``inverse``)."""
    direction = -gradient
    along: list[tuple[Tensor, Tensor, Tensor]] = []
    for moved, bent in reversed(pairs):
        rho = 1 / (moved * bent).sum()
        alpha = rho * (moved * direction).sum()
        direction = direction - alpha * bent
        along.append((rho, alpha, moved))
    direction = inverse(direction)
    for (_, bent), (rho, alpha, moved) in zip(pairs, reversed(along), strict=True):
        beta = rho * (bent * direction).sum()
        direction = direction + (alpha - beta) * moved
    return direction


def _step(
    problem: LogisticProblem, strength: float, point: _Point, direction: Tensor
) -> _Point | None:
    """Return the first point along ``direction`` that decreases enough; None if none does.

    Near the minimum the decrease drowns in rounding, so there a smaller slope will do as well
    (approximate Wolfe condition, Hager & Zhang 2005).
    """
    slope = float((point.gradient * direction).sum())
    if slope >= 0:
        return None
    rounding = abs(point.value) * torch.finfo(point.parameters.dtype).eps
    length = 1.0
    while length >= _SHORTEST_STEP:
        found = _evaluate(problem, strength, point.parameters + length * direction)
        decreased = found.value <= point.value + _SUFFICIENT_DECREASE * length * slope
        ending = abs(float((found.gradient * direction).sum())) <= 0.9 * abs(slope)
        if decreased or (ending and found.value <= point.value + rounding):
            return found
        length *= 0.3
    return None
