"""What a metric is: per-item work done once, then a score for any weighting of the items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.errors import RequestError
from headstart.task.model import Objective

Vector = NDArray[np.float64]
Targets = NDArray[Any] | list[NDArray[np.int64]] | list[str]
Predictions = NDArray[Any] | list[NDArray[np.int64]] | list[str]

Evaluator = Callable[[Vector], Vector]
"""Takes R weightings of the N items, (R, N), and returns R scores, (R,)."""

Hits = Callable[[Any, Any], NDArray[np.bool_]]
"""Takes targets and predictions, and returns which of the N items are right, (N,)."""

Prepare = Callable[[tuple[str, ...], Any, Any], Evaluator]
"""Takes classes, targets and predictions, and returns the evaluator."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A score of predictions against targets.

    Weighting items is all that a bootstrap needs: a resample is a vector of counts. So a metric
    looks at every prediction once and then scores thousands of resamples with one matrix product.

    Attributes:
        name: As in ``study.json``.
        prepare: Objective → function of (classes, targets, predictions) → :data:`Evaluator`.
        higher_is_better: Direction.
        low, high: Bounds of the score; infinite where there is none.
        hits: Objective → function of (targets, predictions) → (N,) which items are right, where
            the score is the share of right items, so that exact binomial results hold.
    """

    name: str
    prepare: Mapping[Objective, Prepare]
    higher_is_better: bool = True
    low: float = 0.0
    high: float = 1.0
    hits: Mapping[Objective, Hits] = field(default_factory=dict)

    def merit(self, value: float) -> float:
        """Return the value with the sign that makes higher better; its own inverse."""
        return value if self.higher_is_better else -value

    def evaluator(
        self, objective: Objective, classes: tuple[str, ...], targets: Targets, predicted: Any
    ) -> Evaluator:
        """Return the evaluator of these predictions.

        Raises:
            RequestError: The metric is not defined for this objective.
            ValueError: Targets and predictions do not fit together.
        """
        if objective not in self.prepare:
            known = ", ".join(sorted(self.prepare))
            raise RequestError(
                f"metric '{self.name}' is not defined for {objective} targets",
                mend=f"it is defined for: {known}",
            )
        if len(targets) != len(predicted) or len(targets) == 0:
            raise ValueError(f"{len(predicted)} predictions for {len(targets)} targets")
        return self.prepare[objective](classes, targets, predicted)


def additive(statistics: Any, finish: Callable[[Vector], Vector]) -> Evaluator:
    """Return the evaluator of a score that is a function of sums over items.

    Args:
        statistics: (N, D) per-item statistics, dense or scipy sparse.
        finish: Turns (R, D) weighted sums into (R,) scores.
    """

    def evaluate(weights: Vector) -> Vector:
        return finish(np.asarray(weights @ statistics))

    return evaluate


def mean_of(values: Any) -> Evaluator:
    """Return the evaluator of the weighted mean of (N,) per-item values."""
    column = np.asarray(values, dtype=np.float64)
    return additive(np.stack([column, np.ones_like(column)], axis=1), ratio)


def ratio(sums: Vector) -> Vector:
    """Return first column over second, 0 where the second is 0; (R, 2) → (R,)."""
    return divided(sums[:, 0], sums[:, 1])


def divided(above: Any, below: Any) -> Vector:
    """Return ``above / below``, and 0 where ``below`` is 0."""
    above, below = np.broadcast_arrays(
        np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    )
    quotient: Vector = np.divide(above, below, out=np.zeros_like(above), where=below != 0)
    return quotient


def finite(predictions: Any) -> Vector:
    """Return the predictions as float64.

    Raises:
        ValueError: Some are NaN or infinite: a score of them would hide the failure.
    """
    values = np.asarray(predictions, dtype=np.float64)
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise ValueError(f"{bad} of {values.size} predicted numbers are NaN or infinite")
    return values
