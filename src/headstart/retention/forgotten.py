"""How much was forgotten: the share of a score that is lost, with its interval."""

from __future__ import annotations

from math import sqrt

import numpy as np

from headstart.measure.compare import compare
from headstart.measure.interval import Interval, replicate
from headstart.measure.metric import Predictions, Vector
from headstart.measure.score import METRICS
from headstart.retention.suite import Suite

_TAIL = 2.5  # per cent on either side
_RESAMPLES = 2000


def forgotten(suite: Suite, part: str, before: Predictions, after: Predictions) -> Interval:
    """Return the share of its score that the body lost: 0.02 for 2%; negative where it gained.

    Perplexity that rises from 50 to 51 is 2% forgotten, and so is accuracy that falls from 50
    to 49 points. The interval is that of a paired bootstrap over the rows; where the score is a
    share of right rows, that of the difference of two paired proportions.

    Args:
        suite: What was measured.
        part: Where.
        before: What the base made of the rows.
        after: What the adapted body makes of them.
    """
    metric, targets = METRICS.get(suite.metric), suite.targets(part)
    evaluators = [
        metric.evaluator(suite.objective, suite.classes, targets, told) for told in (before, after)
    ]
    found = replicate(evaluators, len(targets), seed=0, resamples=_RESAMPLES)
    first, second = found.observed[:1], found.observed[1:]
    value = float(_lost(first, second, metric.higher_is_better)[0])
    if suite.objective in metric.hits:  # a bootstrap of few changes is too narrow
        told = compare(suite.objective, suite.classes, targets, [before], [after], suite.metric)
        scale = max(abs(float(found.observed[0])), np.finfo(float).tiny)
        return Interval(value, told.difference.low / scale, told.difference.high / scale)
    lost = _lost(found.resampled[0], found.resampled[1], metric.higher_is_better)
    low, high = np.percentile(lost, [_TAIL, 100 - _TAIL])
    return Interval(value, min(float(low), value), max(float(high), value))


def at_most(lost: Interval) -> float:
    """Return what other rows, as many, will show at most: a limit is to hold there, too.

    They have an error of their own, so that the way up to the interval's end grows by √2.
    """
    return lost.value + sqrt(2.0) * (lost.high - lost.value)


def _lost(before: Vector, after: Vector, higher_is_better: bool) -> Vector:
    gone = before - after if higher_is_better else after - before
    return np.asarray(gone / np.maximum(np.abs(before), np.finfo(float).tiny))
