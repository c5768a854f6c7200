"""95% intervals of scores: bootstrap over items, and over seeds where there are several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite, sqrt
from typing import Any

import numpy as np
from scipy import special

from headstart.measure.metric import Evaluator, Metric, Predictions, Targets, Vector
from headstart.measure.score import METRICS
from headstart.task.model import Objective

LEVEL = 0.95
RESAMPLES = 1000
_CELLS = 2_000_000  # numbers in one block of weights: 16 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and its 95% interval; ``low ≤ value ≤ high``."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Replicates:
    """Scores of K seeds on the test items and on R resamples of them.

    Attributes:
        observed: (K,) scores.
        resampled: (K, R) scores; every seed sees the same resamples.
    """

    observed: Vector
    resampled: Vector

    def seed_variance(self) -> tuple[float, float]:
        """Return what seeds add to the variance of the mean, and its raw estimate s²/K.

        s² of the K scores holds the seeds' own variance and the noise with which a finite test
        set measures it (the seed x item interaction). The bootstrap over items already has the
        second, so it is taken off: what is added is max(0, s² − interaction) / K.
        """
        seeds = len(self.observed)
        if seeds < 2:
            return 0.0, 0.0
        raw = float(self.observed.var(ddof=1))
        apart = self.resampled - self.resampled.mean(axis=0)
        interaction = float(apart.var(axis=1).sum() / (seeds - 1))
        return max(0.0, raw - interaction) / seeds, raw / seeds


@dataclass(frozen=True, slots=True)
class Spread:
    """Uncertainty of a mean over seeds, or of a difference of two such means.

    Attributes:
        variance: Of the estimate: items plus seeds.
        freedom: Satterthwaite's degrees of freedom; infinite with one seed.
        low, high: The interval.
    """

    variance: float
    freedom: float
    low: float
    high: float


def bootstrap(
    objective: Objective,
    classes: tuple[str, ...],
    targets: Targets,
    predictions: Sequence[Predictions],
    metric: str,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return the mean score over seeds with its 95% interval.

    Items: percentile bootstrap (Efron & Tibshirani 1993, ch. 13). Seeds: resampling 3 seeds with
    replacement understates their variance by a third and knows 10 distinct outcomes, so their
    variance is added by its analytic estimate instead, with the t quantile of Satterthwaite's
    (1946) degrees of freedom; the half-widths add in squares. With one seed, the interval is
    that of this one trained model.

    A score that is a share of right items also covers the Wilson (1927) interval (Brown, Cai &
    DasGupta 2001), and so does any score between two bounds of which no resample differs: 12 of
    12 right give [0.76, 1], not [1, 1].

    Args:
        objective: Shape of a target.
        classes: Class or tag names in index order.
        targets: N targets.
        predictions: One set of N predictions a seed.
        metric: Name of the metric.
        seed: Of the resampling; the same seed gives the same interval.
        resamples: R.

    Raises:
        RequestError: Unknown metric.
        ValueError: No predictions, or some that do not fit.
    """
    measure = METRICS.get(metric)
    runs = distinct(predictions)
    evaluators = [measure.evaluator(objective, classes, targets, run) for run in runs]
    found = replicate(evaluators, len(targets), seed, resamples)
    value = float(found.observed.mean())
    spread = spread_of(value, found.resampled.mean(axis=0), [found])
    low, high = _guarded(measure, objective, len(targets), value, found, spread)
    return Interval(value, max(measure.low, low), min(measure.high, high))


def distinct(predictions: Sequence[Predictions]) -> list[Predictions]:
    """Return the predictions, or only the first if all seeds agree exactly.

    A deterministic method run with several seeds has no seed variance to estimate.
    """
    if not predictions:
        raise ValueError("no predictions: at least one seed is needed")
    first = predictions[0]
    if all(_equal(first, other) for other in predictions[1:]):
        return [first]
    return list(predictions)


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, list):
        return len(first) == len(second) and all(map(np.array_equal, first, second))
    return np.array_equal(first, second)


def replicate(
    evaluators: Sequence[Evaluator], items: int, seed: int, resamples: int = RESAMPLES
) -> Replicates:
    """Return the scores of all evaluators on the items and on the same R resamples of them."""
    whole = np.ones((1, items))
    observed = np.array([float(evaluate(whole)[0]) for evaluate in evaluators])
    blocks = [
        np.stack([evaluate(weights) for evaluate in evaluators])
        for weights in resampled_weights(items, seed, resamples)
    ]
    return Replicates(observed, np.concatenate(blocks, axis=1))


def resampled_weights(items: int, seed: int, resamples: int) -> Iterator[Vector]:
    """Yield blocks (r, N) of how often each item was drawn, R rows in all, ≥ 1 block."""
    generator = np.random.default_rng(seed)
    step = max(1, _CELLS // items)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = generator.integers(items, size=(rows, items), dtype=np.int32)
        cells = drawn + np.arange(rows, dtype=np.int32)[:, np.newaxis] * np.int32(items)
        counts = np.bincount(cells.ravel(), minlength=rows * items)
        yield counts.reshape(rows, items).astype(np.float64)


def spread_of(value: float, resampled: Vector, seeds: Sequence[Replicates]) -> Spread:
    """Return the uncertainty of ``value`` from its (R,) resamples and the seeds behind it."""
    added = [part.seed_variance() for part in seeds]
    variance = float(resampled.var()) + sum(extra for extra, _ in added)
    error = sum(
        raw**2 / (len(part.observed) - 1)
        for part, (_, raw) in zip(seeds, added, strict=True)
        if raw > 0
    )
    freedom = max(1.0, variance**2 / error) if error > 0 and sum(e for e, _ in added) > 0 else inf
    tail = (1 - LEVEL) / 2
    below, above = np.quantile(resampled, [tail, 1 - tail])
    wider = t_quantile(freedom) ** 2 * variance - t_quantile(inf) ** 2 * float(resampled.var())
    wider = max(0.0, wider)
    low = value - sqrt(max(0.0, value - float(below)) ** 2 + wider)
    high = value + sqrt(max(0.0, float(above) - value) ** 2 + wider)
    return Spread(variance, freedom, low, high)


def t_quantile(freedom: float) -> float:
    """Return the two-sided 95% quantile of Student's t (of the normal if infinite)."""
    upper = 1 - (1 - LEVEL) / 2
    return float(special.stdtrit(freedom, upper) if isfinite(freedom) else special.ndtri(upper))


def wilson(share: float, items: int) -> tuple[float, float]:
    """Return Wilson's (1927) 95% interval of a share seen on ``items`` items."""
    z = t_quantile(inf)
    centre = (share + z**2 / (2 * items)) / (1 + z**2 / items)
    half = z / (1 + z**2 / items) * sqrt(share * (1 - share) / items + z**2 / (4 * items**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def _guarded(
    measure: Metric,
    objective: Objective,
    items: int,
    value: float,
    found: Replicates,
    spread: Spread,
) -> tuple[float, float]:
    """Widen an interval that too few items, or no wrong one, made too narrow."""
    flat = not np.ptp(found.resampled)
    width = measure.high - measure.low
    if not isfinite(width) or not (flat or objective in measure.hits):
        return spread.low, spread.high
    share = min(1.0, max(0.0, (value - measure.low) / width))
    low, high = (measure.low + width * end for end in wilson(share, items))
    return min(spread.low, low, value), max(spread.high, high, value)
