"""Scores by name: which metrics an objective has, and the score of some predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.measure import catalogue
from headstart.measure.metric import Metric, Predictions, Targets
from headstart.measure.spans import are_span_tags
from headstart.registry import Registry
from headstart.task.model import Objective

_BUILTIN = {
    metric.name: (f"headstart.measure.catalogue:{constant}", metric)
    for constant, metric in vars(catalogue).items()
    if isinstance(metric, Metric)
}

METRICS: Registry[Metric] = Registry(
    "metric", {name: path for name, (path, _) in _BUILTIN.items()}, "headstart.metrics"
)
"""Metrics by name; other packages add a :class:`~headstart.measure.metric.Metric` through the
entry-point group ``headstart.metrics``."""

HIGHER_IS_BETTER = {name: metric.higher_is_better for name, (_, metric) in _BUILTIN.items()}
"""Direction of the built-in metrics; ``METRICS.get(name).higher_is_better`` for any."""

_METRICS = {
    Objective.SINGLE_LABEL: ("accuracy", "macro_f1", "balanced_accuracy", "log_loss", "ece"),
    Objective.MULTI_LABEL: ("micro_f1", "macro_f1", "subset_accuracy", "log_loss", "ece"),
    Objective.REAL: ("r2", "mae", "rmse", "spearman"),
    Objective.TEXT: ("bits_per_byte", "perplexity"),
}

ANSWERS = ("exact_match", "token_f1", "rouge_l")
"""Metrics of written answers: targets and predictions are texts. Choices do not go by them."""


def metrics(objective: Objective, classes: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the names of the metrics of an objective; the first is the main one.

    Choices are made on the main one; it is higher-is-better but for texts (``bits_per_byte``):
    ``accuracy``, ``micro_f1``, ``r2``, and for tags ``span_f1`` where the tags name spans
    ("B-PER"), else ``accuracy`` over words.
    """
    if objective is Objective.TAGS:
        words = ("accuracy", "macro_f1")
        return ("span_f1", *words) if are_span_tags(classes) else words
    return _METRICS[objective]


def score(
    objective: Objective,
    classes: tuple[str, ...],
    targets: Targets,
    predictions: Predictions,
    metric: str,
    rows: Any = None,
    weights: Any = None,
) -> float:
    """Return one score.

    Args:
        objective: Shape of a target.
        classes: Class or tag names in index order.
        targets: As :class:`~headstart.task.model.Part` holds them.
        predictions: single- and multi-label: (N, C) probabilities; real: (N,); tags: N arrays of
            tag indices, one a word.
        metric: Name in :data:`METRICS`.
        rows: Positions to score; all if None.
        weights: (N,) weight of each scored item; 1 if None.

    Raises:
        RequestError: Unknown metric, or one that this objective does not have.
        ValueError: Predictions that do not fit the targets, are NaN, or none at all.
    """
    if rows is not None:
        targets, predictions = taken(targets, rows), taken(predictions, rows)
    evaluate = METRICS.get(metric).evaluator(objective, classes, targets, predictions)
    row = np.ones(len(targets)) if weights is None else np.asarray(weights, dtype=np.float64)
    return float(evaluate(row[np.newaxis, :])[0])


def taken(items: Any, rows: Any) -> Any:
    """Return the items (array or list of arrays) at these positions."""
    if isinstance(items, list):
        return [items[int(row)] for row in rows]
    return np.asarray(items)[np.asarray(rows, dtype=np.int64)]
