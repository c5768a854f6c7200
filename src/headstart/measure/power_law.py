"""Learning curves as power laws: error(n) = floor + scale · n^−exponent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from headstart.measure.interval import Interval, t_quantile
from headstart.measure.metric import Vector, divided

_EXPONENTS = np.geomspace(0.05, 2.0, 60)
_Z = t_quantile(inf)


@dataclass(frozen=True, slots=True)
class LabelPoint:
    """A point of a learning curve: the score reached with ``labels`` training rows."""

    labels: int
    score: Interval


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """error(n) = floor + scale · n^−exponent."""

    floor: float
    scale: float
    exponent: float

    def error(self, labels: float) -> float:
        """Return the error expected with this many labels."""
        return float(self.floor + self.scale * labels**-self.exponent)

    def labels(self, error: float) -> float:
        """Return how many labels reach this error; infinite if none do."""
        one = [np.array([x]) for x in (error, self.floor, self.scale, self.exponent)]
        return float(labels_at(*one)[0])


def fit_power_law(curve: Sequence[LabelPoint]) -> PowerLaw:
    """Fit error(n) = a + b·n^−c, with a, b ≥ 0 and 0.05 ≤ c ≤ 2, to 1 − score.

    Inverse power law: Cortes, Jackel, Solla, Vapnik & Denker 1993, "Learning Curves: Asymptotic
    Values and Rate of Convergence"; Hestness et al. 2017, "Deep Learning Scaling is Predictable,
    Empirically". For a given c the law is linear, so c is searched on a grid and a, b are solved
    for exactly under their bounds: no start values and no local minima. Points are weighted by
    the inverse of their variance.

    Raises:
        ValueError: Fewer than three different numbers of labels.
    """
    labels, errors, spread = arrays(curve)
    floor, scale, exponent = fit_many(labels, errors[np.newaxis, :], spread)
    return PowerLaw(float(floor[0]), float(scale[0]), float(exponent[0]))


def arrays(curve: Sequence[LabelPoint]) -> tuple[Vector, Vector, Vector]:
    """Return labels, errors and standard errors of the points, each (P,).

    Raises:
        ValueError: Fewer than three different numbers of labels.
    """
    labels = np.array([point.labels for point in curve], dtype=np.float64)
    if len(set(labels)) < 3:
        raise ValueError("a learning curve needs at least three different numbers of labels")
    if labels.min() < 1:
        raise ValueError("a point of a learning curve has at least one label")
    errors = np.array([1.0 - point.score.value for point in curve])
    spread = np.array([(point.score.high - point.score.low) / (2 * _Z) for point in curve])
    return labels, errors, np.maximum(spread, 1e-4)


def fit_many(labels: Vector, errors: Vector, spread: Vector) -> tuple[Vector, Vector, Vector]:
    """Fit D curves at once: errors (D, P) → floor, scale, exponent, each (D,)."""
    best = np.full(len(errors), inf)
    found = np.zeros((3, len(errors)))
    weight = 1 / spread**2
    for exponent in _EXPONENTS:
        x = labels**-exponent
        floor, scale = _linear(x, errors, weight)
        residual = errors - floor[:, np.newaxis] - scale[:, np.newaxis] * x
        loss = (weight * residual**2).sum(axis=1)
        better = loss < best - 1e-12
        best[better] = loss[better]
        found[:, better] = np.stack([floor, scale, np.full_like(floor, exponent)])[:, better]
    return found[0], found[1], found[2]


def _linear(x: Vector, errors: Vector, weight: Vector) -> tuple[Vector, Vector]:
    """Return the weighted least-squares floor ≥ 0 and scale ≥ 0 of errors (D, P) on x (P,)."""
    total = weight.sum()
    mean_x, mean_e = (weight @ x) / total, (errors @ weight) / total
    spread_x = weight @ (x - mean_x) ** 2
    scale = ((errors - mean_e[:, np.newaxis]) @ (weight * (x - mean_x))) / spread_x
    floor = mean_e - scale * mean_x
    through_zero = (errors @ (weight * x)) / (weight @ x**2)
    scale = np.where(floor < 0, through_zero, scale)
    floor = np.maximum(floor, 0.0)
    flat = scale < 0
    return np.where(flat, np.maximum(mean_e, 0.0), floor), np.where(flat, 0.0, scale)


def labels_at(error: Vector, floor: Vector, scale: Vector, exponent: Vector) -> Vector:
    """Return how many labels reach these errors under these laws, each (D,); inf if none do."""
    reachable = (error > floor) & (scale > 0)
    part = np.where(reachable, divided(error - floor, np.where(scale > 0, scale, 1.0)), 1.0)
    with np.errstate(over="ignore"):
        return np.where(reachable, part ** (-1 / exponent), inf)
