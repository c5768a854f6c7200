"""Paired comparison of two methods on the same items: better, worse or a tie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite, sqrt
from typing import Any, Literal

import numpy as np
from scipy import special

from headstart.measure.interval import (
    RESAMPLES,
    Interval,
    Replicates,
    Spread,
    distinct,
    replicate,
    spread_of,
    t_quantile,
)
from headstart.measure.metric import Evaluator, Metric, Predictions, Targets
from headstart.measure.score import METRICS
from headstart.task.model import Objective

Verdict = Literal["better", "worse", "tie"]
SIGNIFICANCE = 0.05
_SWAPS = 4000
_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """A paired test of two arms.

    Attributes:
        difference: Mean score of the first minus that of the second, with its 95% interval.
        p_value: Two-sided.
        verdict: What the first is, next to the second; "tie" unless the interval excludes 0 and
            p < 0.05.
    """

    difference: Interval
    p_value: float
    verdict: Verdict

    def in_merit(self, metric: str) -> Comparison:
        """Return it with the sign that makes higher better."""
        if METRICS.get(metric).higher_is_better:
            return self
        found = self.difference
        return replace(self, difference=Interval(-found.value, -found.high, -found.low))


def compare(
    objective: Objective,
    classes: tuple[str, ...],
    targets: Targets,
    first: Sequence[Predictions],
    second: Sequence[Predictions],
    metric: str,
    seed: int = 0,
    resamples: int = 2 * RESAMPLES,
) -> Comparison:
    """Compare two arms on the same items; seeds are not paired, their numbers may differ.

    One seed each (two trained models): bootstrap over items for the interval; p-value of the
    exact McNemar test (1947) where the score is a share of right items, else of the
    approximate randomisation test that swaps the two predictions of an item (Noreen 1989; Yeh
    2000). Several seeds (two methods): the variance of the difference is that over items plus
    that over the seeds of each arm, and interval and p-value come from Student's t with
    Satterthwaite's degrees of freedom (see :func:`headstart.measure.interval.bootstrap`). An arm
    with a single seed, or with seeds that agree exactly, adds no seed variance: the comparison
    is then with that one model.

    Args:
        objective: Shape of a target.
        classes: Class or tag names in index order.
        targets: N targets.
        first: One set of N predictions a seed.
        second: The same of the other arm.
        metric: Name of the metric; its direction settles what "better" means.
        seed: Of the resampling; the same seed gives the same result.
        resamples: Bootstrap resamples.

    Raises:
        RequestError: Unknown metric.
        ValueError: No predictions, or some that do not fit.
    """
    measure = METRICS.get(metric)
    arms = [distinct(first), distinct(second)]
    evaluators = [
        [measure.evaluator(objective, classes, targets, run) for run in runs] for runs in arms
    ]
    found = replicate([e for arm in evaluators for e in arm], len(targets), seed, resamples)
    cut = len(arms[0])
    parts = [
        Replicates(found.observed[rows], found.resampled[rows])
        for rows in (slice(None, cut), slice(cut, None))
    ]
    value = float(parts[0].observed.mean() - parts[1].observed.mean())
    replicates = parts[0].resampled.mean(axis=0) - parts[1].resampled.mean(axis=0)
    spread = spread_of(value, replicates, parts)
    if len(found.observed) == 2:
        runs = (arms[0][0], arms[1][0])
        p_value = _one_model_each(measure, objective, classes, targets, runs, value, seed)
    else:
        p_value = _t_test(value, spread)
    low, high = _guarded(measure, objective, len(targets), value, replicates, spread)
    difference = Interval(value, min(low, value), max(high, value))
    return Comparison(difference, p_value, verdict_of(measure, difference, p_value))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in the given order (Holm 1979).

    The chance of even one false "better" among all comparisons stays at the level.
    """
    adjusted, running = [0.0] * len(p_values), 0.0
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    for rank, index in enumerate(order):
        running = max(running, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, running)
    return adjusted


def _one_model_each(
    measure: Metric,
    objective: Objective,
    classes: tuple[str, ...],
    targets: Targets,
    runs: tuple[Any, Any],
    value: float,
    seed: int,
) -> float:
    """Return the p-value of two single models: exact where that is known, else by swapping."""
    if objective in measure.hits:
        right, other = (measure.hits[objective](targets, run) for run in runs)
        return _mcnemar(int((right & ~other).sum()), int((other & ~right).sum()))
    both = measure.evaluator(objective, classes, _joined(targets, targets), _joined(*runs))
    return _swap_test(both, len(targets), value, seed)


def _mcnemar(wins: int, losses: int) -> float:
    """Return the exact two-sided p-value from the items that only one of the two got right."""
    from scipy.stats import binomtest  # half a second to import, and seldom needed

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def _swap_test(both: Evaluator, items: int, value: float, seed: int) -> float:
    """Return how often swapping items' two predictions at random gives so large a difference.

    Args:
        both: Evaluator of the 2N predictions of the first arm, then the second.
        items: N.
        value: Observed difference.
        seed: Of the swaps.
    """
    generator = np.random.default_rng([seed, 1])
    step, extreme = max(1, _CELLS // (2 * items)), 0
    for start in range(0, _SWAPS, step):
        kept = generator.integers(2, size=(min(step, _SWAPS - start), items)).astype(np.float64)
        arms = [np.concatenate(pair, axis=1) for pair in ((kept, 1 - kept), (1 - kept, kept))]
        swapped = both(arms[0]) - both(arms[1])
        extreme += int(np.count_nonzero(np.abs(swapped) >= abs(value) - 1e-12))
    return (extreme + 1) / (_SWAPS + 1)


def _joined(first: Any, second: Any) -> Any:
    if isinstance(first, list):
        return [*first, *second]
    return np.concatenate([first, second])


def _t_test(value: float, spread: Spread) -> float:
    if spread.variance <= 0:
        return 1.0 if value == 0 else 0.0
    ratio = abs(value) / sqrt(spread.variance)
    freedom = spread.freedom
    tail = special.stdtr(freedom, -ratio) if isfinite(freedom) else special.ndtr(-ratio)
    return float(2 * tail)


def _guarded(
    measure: Metric,
    objective: Objective,
    items: int,
    value: float,
    replicates: Any,
    spread: Spread,
) -> tuple[float, float]:
    """Widen an interval that too few items made too narrow.

    Bonett & Price 2012, "Adjusted Wald confidence interval for a difference of binomial
    proportions based on paired data": one discordant item is added each way.
    """
    width = measure.high - measure.low
    if not isfinite(width) or (np.ptp(replicates) and objective not in measure.hits):
        return spread.low, spread.high
    wins, losses = max(value, 0.0) / width, max(-value, 0.0) / width
    p, q = (wins * items + 1) / (items + 2), (losses * items + 1) / (items + 2)
    half = t_quantile(float("inf")) * sqrt((p + q - (p - q) ** 2) / (items + 2))
    centre = p - q
    return min(spread.low, width * (centre - half)), max(spread.high, width * (centre + half))


def verdict_of(measure: Metric, difference: Interval, p_value: float) -> Verdict:
    """Return what the first arm is: a tie unless interval and p-value both say otherwise."""
    excludes_zero = difference.low > 0 or difference.high < 0
    if not excludes_zero or p_value >= SIGNIFICANCE:
        return "tie"
    return "better" if (difference.value > 0) == measure.higher_is_better else "worse"
