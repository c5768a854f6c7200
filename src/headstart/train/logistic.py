"""The solver below a classifier's head: L2-regularised logistic losses by preconditioned L-BFGS.

The objective is scikit-learn's, for weights W (K, R), bias b (K,) and rows x_i (R,):

    C · sum_i s_i · loss_i(W x_i + b)  +  1/2 · ||W||²

with softmax cross-entropy (one class a row) or the sum over K of binary cross-entropies. Several
fits that differ in their row weights s only (the folds of a cross-validation) are solved side by
side: their matrix products are one, their step lengths and ends are each fit's own. L-BFGS
(Nocedal & Wright 2006, algorithm 7.4) starts each step from an approximate inverse Hessian
(:mod:`headstart.train.curvature`) that the fits share; it expects the columns of X centred and
uncorrelated (principal axes).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from headstart.train.curvature import InverseHessian, candidate_step

_CHUNK_ELEMENTS = 1 << 18  # logits held at once: 1 MB in float32, so that caches hold them
_HISTORY_ELEMENTS = 60_000_000  # L-BFGS pairs held at once: 480 MB in float32
TOLERANCE = 2e-2  # relative distance from the minimum: no decision changes below it
_SUFFICIENT_DECREASE = 1e-4
_SHORTEST_STEP = 1e-6
_LEAST = 1e-37  # probability: its logarithm is finite in float32
_PATIENCE = 25  # steps after which the curvature is looked at again


@dataclass(frozen=True, slots=True)
class LogisticProblem:
    """Data of G fits on the same rows.

    Attributes:
        rows: (N, R) centred features on their principal axes.
        targets: (N,) int64 class indices, or (N, K) of 0 and 1 for one-vs-rest.
        weights: (N, G) weight of each row in each fit.
        positive_weights: (K,) weight of the ones in each column of one-vs-rest targets, or None.
        fixed: (G, K) outputs whose parameters stay as they start: classes without a row.
    """

    rows: Tensor
    targets: Tensor
    weights: Tensor
    positive_weights: Tensor | None
    fixed: Tensor

    def some(self, fits: Tensor) -> LogisticProblem:
        """Return the problem of the fits with these indices."""
        if len(fits) == len(self.fixed):
            return self
        return replace(self, weights=self.weights[:, fits], fixed=self.fixed[fits])

    def runs(self) -> list[tuple[slice, Tensor]]:
        """Return stretches of rows that weigh in the same fits, and which: folds, if sorted so."""
        weighs = self.weights != 0
        ends = 1 + torch.nonzero((weighs[1:] != weighs[:-1]).any(1)).flatten()
        if len(ends) > 4 * weighs.shape[1]:  # in no order
            return [(slice(0, len(weighs)), torch.arange(weighs.shape[1]))]
        places = [0, *ends.tolist(), len(weighs)]
        return [
            (slice(begin, end), torch.nonzero(weighs[begin]).flatten())
            for begin, end in pairwise(places)
        ]

    def losses_and_slopes(self, logits: Tensor, part: slice) -> tuple[Tensor, Tensor]:
        """Return weighted loss (M, G), and its gradient (M, G, K) in the logits (M, G, K)."""
        targets, weights = self.targets[part], self.weights[part]
        if targets.ndim == 1:
            index = targets.view(-1, 1, 1).expand(-1, logits.shape[1], 1)
            p = F.softmax(logits, dim=2)
            loss = -p.gather(2, index).squeeze(2).clamp_(min=_LEAST).log_() * weights
            p.scatter_add_(2, index, p.new_full((1, 1, 1), -1.0).expand(index.shape))
            return loss, p.mul_(weights.unsqueeze(2))
        each = self._with_positives(targets, weights)
        wanted = targets.unsqueeze(1).expand(logits.shape)
        loss = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * each
        return loss.sum(2), (logits.sigmoid() - wanted) * each

    def curvature(self, logits: Tensor, part: slice) -> Tensor:
        """Return the weighted second derivative (M, G, K) of the loss in each logit."""
        targets, weights = self.targets[part], self.weights[part]
        if targets.ndim == 1:
            p, each = F.softmax(logits, dim=2), weights.unsqueeze(2)
        else:
            p, each = logits.sigmoid(), self._with_positives(targets, weights)
        return p * (1 - p) * each

    def _with_positives(self, targets: Tensor, weights: Tensor) -> Tensor:
        if self.positive_weights is None:
            return weights.unsqueeze(2)
        return weights.unsqueeze(2) * (1 + targets * (self.positive_weights - 1)).unsqueeze(1)


@dataclass(slots=True)
class _Points:
    """Each fit's objective (G,) at its parameters (G, K, R + 1; the bias last), and gradient."""

    parameters: Tensor
    values: Tensor
    gradients: Tensor

    def put(self, fits: Tensor, found: _Points, which: Tensor) -> None:
        """Take over the points of ``found`` that ``which`` marks, as those of ``fits[which]``."""
        self.parameters[fits[which]] = found.parameters[which]
        self.values[fits[which]] = found.values[which]
        self.gradients[fits[which]] = found.gradients[which]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A step taken, how the gradient bent along it, and 1 / their product (0: forgotten)."""

    moved: Tensor
    bent: Tensor
    rho: Tensor


def solve(
    problem: LogisticProblem,
    strength: float,
    start: Tensor,
    *,
    tolerance: float = TOLERANCE,
    iterations: int = 500,
) -> Tensor:
    """Minimise the objectives of this module at C = ``strength``.

    They are 1-strongly convex in W, so ``||gradient|| <= tolerance · ||W||``, where a fit stops,
    puts its W within about that relative distance of the minimum.

    Args:
        problem: The data.
        strength: C; larger is weaker regularisation.
        start: (G, K, R + 1) parameters to start from, e.g. those of a stronger regularisation.
        tolerance: Relative distance from the minimum at which to stop.
        iterations: Most steps to take.

    Returns:
        (G, K, R + 1) parameters, the bias in the last column.
    """
    points = _evaluate(problem, strength, start)
    inverse = _inverse(problem, strength, points, 0)
    held = max(3, min(12, _HISTORY_ELEMENTS // max(1, 2 * start.numel())))
    pairs: deque[_Pair] = deque(maxlen=held)
    stuck = torch.zeros(len(start), dtype=torch.bool)
    for iteration in range(iterations):
        lengths = points.parameters[:, :, :-1].flatten(1).norm(dim=1)
        going = ~stuck & (points.gradients.flatten(1).norm(dim=1) > tolerance * lengths)
        if not going.any():
            break
        if iteration and iteration % _PATIENCE == 0:
            inverse = _inverse(problem, strength, points, int(torch.nonzero(going)[0]))
            pairs.clear()
        direction = _direction(points.gradients, inverse, pairs)
        following, moved = _step(problem, strength, points, direction, going)
        stays = going & ~moved
        stuck |= stays
        for pair in pairs:  # the remembered curvature misleads: once more without it
            stuck &= ~(stays & (pair.rho != 0))
            pair.rho[stays] = 0.0
        pairs.append(_pair(points, following, moved))
        points = following
    return points.parameters


def _inverse(
    problem: LogisticProblem, strength: float, points: _Points, fit: int
) -> InverseHessian:
    """Return the inverse Hessian of one fit if it had all rows; each lacks but a few of them."""
    rows = problem.weights.amax(1, keepdim=True)
    one, parameters = replace(problem, weights=rows), points.parameters.mean(0)
    step = candidate_step(len(problem.rows), len(parameters))
    part = slice(None, None, step)
    rows = problem.rows[part]
    logits = torch.addmm(parameters[:, -1], rows, parameters[:, :-1].T).unsqueeze(1)
    return InverseHessian(rows, one.curvature(logits, part).squeeze(1) * step, strength)


def _evaluate(problem: LogisticProblem, strength: float, parameters: Tensor) -> _Points:
    """Return objectives and gradients."""
    values = torch.zeros(len(parameters), dtype=torch.float64)
    gradients = torch.zeros_like(parameters)
    for run, fits in problem.runs():
        loss, slopes = _summed(problem.some(fits), run, parameters[fits])
        values[fits] += loss
        gradients[fits] += slopes
    weight = parameters[:, :, :-1]
    values = strength * values + 0.5 * weight.double().square().flatten(1).sum(1)
    gradients.mul_(strength)[:, :, :-1] += weight
    return _Points(parameters, values, gradients.masked_fill_(problem.fixed.unsqueeze(2), 0.0))


def _summed(problem: LogisticProblem, run: slice, parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Return the losses (G,) of a run of rows, and their gradients; few logits exist at a time."""
    rows, (fits, outputs, width) = problem.rows, parameters.shape
    weight = parameters[:, :, :-1].reshape(fits * outputs, width - 1)
    bias = parameters[:, :, -1].reshape(-1)
    chunk = max(256, _CHUNK_ELEMENTS // max(1, fits * outputs))
    values = torch.zeros(fits, dtype=torch.float64)
    slopes, offsets = torch.zeros_like(weight), torch.zeros_like(bias)
    for begin in range(run.start, run.stop, chunk):
        part = slice(begin, min(begin + chunk, run.stop))
        logits = torch.addmm(bias, rows[part], weight.T)  # (M, G · K)
        loss, slope = problem.losses_and_slopes(logits.view(len(logits), fits, outputs), part)
        values += loss.sum(0, dtype=torch.float64)
        slopes.addmm_(slope.view(logits.shape).T, rows[part])
        offsets += slope.view(logits.shape).sum(0)
    return values, torch.cat([slopes, offsets.unsqueeze(1)], dim=1).view(parameters.shape)


def _dot(left: Tensor, right: Tensor) -> Tensor:
    """Return each fit's inner product (G,)."""
    return (left * right).flatten(1).sum(1)


def _wide(numbers: Tensor) -> Tensor:
    return numbers.view(-1, 1, 1)


def _pair(before: _Points, after: _Points, moved: Tensor) -> _Pair:
    step, bent = after.parameters - before.parameters, after.gradients - before.gradients
    product = _dot(step, bent)
    known = moved & (product > 1e-10 * (_dot(step, step) * _dot(bent, bent)).sqrt())
    return _Pair(step, bent, torch.where(known, 1 / product, 0.0))


def _direction(gradients: Tensor, inverse: InverseHessian, pairs: deque[_Pair]) -> Tensor:
    """Return the quasi-Newton directions (two-loop recursion from ``inverse``)."""
    direction = -gradients
    alphas: list[Tensor] = []
    for pair in reversed(pairs):
        alphas.append(_wide(pair.rho * _dot(pair.moved, direction)))
        direction = direction - alphas[-1] * pair.bent
    direction = inverse(direction)
    for pair, alpha in zip(pairs, reversed(alphas), strict=True):
        beta = _wide(pair.rho * _dot(pair.bent, direction))
        direction = direction + (alpha - beta) * pair.moved
    return direction


def _step(
    problem: LogisticProblem, strength: float, points: _Points, direction: Tensor, going: Tensor
) -> tuple[_Points, Tensor]:
    """Return points of enough decrease for the fits in ``going``, and which moved (G,).

    Near the minimum the decrease drowns in rounding, so there a smaller slope will do as well
    (approximate Wolfe condition, Hager & Zhang 2005).
    """
    slopes = _dot(points.gradients, direction)
    rounding = points.values.abs() * torch.finfo(direction.dtype).eps
    following = _Points(*(x.clone() for x in (points.parameters, points.values, points.gradients)))
    moved, lengths = torch.zeros_like(going), torch.ones_like(slopes)
    fits = torch.nonzero(going & (slopes < 0)).flatten()
    while len(fits):
        length, slope, value = lengths[fits], slopes[fits], points.values[fits]
        trial = points.parameters[fits] + _wide(length) * direction[fits]
        found = _evaluate(problem.some(fits), strength, trial)
        decreased = found.values <= value + _SUFFICIENT_DECREASE * length * slope
        flat = _dot(found.gradients, direction[fits]).abs() <= 0.9 * slope.abs()
        good = decreased | (flat & (found.values <= value + rounding[fits]))
        following.put(fits, found, good)
        moved[fits[good]] = True
        # next, the minimum of the parabola through both values and the slope
        rise = (found.values - value - length * slope).clamp(min=1e-30)
        best = (-slope * length**2 / (2 * rise)).to(length.dtype)
        lengths[fits] = torch.minimum(torch.maximum(best, 0.1 * length), 0.5 * length)
        fits = fits[~good & (lengths[fits] >= _SHORTEST_STEP)]
    return following, moved
