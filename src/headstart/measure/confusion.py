"""Which classes are taken for which, and how well each one is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.measure.metric import Predictions, Targets, divided
from headstart.measure.multi_label import predicted_labels
from headstart.measure.single_label import predicted_classes
from headstart.measure.spans import are_span_tags
from headstart.measure.tags import flat, span_pairs
from headstart.task.model import Objective


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Scores of one class (for span tags: of one entity type).

    Attributes:
        precision: Right among the predicted; 0 if none was predicted.
        recall: Right among the true; 0 if none is true.
        f1: Harmonic mean of the two.
        support: How many are true.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int


def confusion_matrix(targets: Any, predicted: Any, classes: int) -> NDArray[np.int64]:
    """Return (C, C) counts; rows are the truth, columns the predicted class.

    Args:
        targets: (N,) true class indices.
        predicted: (N,) predicted class indices.
        classes: C.
    """
    pairs = np.asarray(targets, dtype=np.int64) * classes + np.asarray(predicted, dtype=np.int64)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def confusion(
    objective: Objective, classes: tuple[str, ...], targets: Targets, predictions: Predictions
) -> NDArray[np.int64]:
    """Return the confusion matrix: of items (single-label), or of words with a tag (tags).

    Raises:
        ValueError: The objective has no confusion matrix.
    """
    if objective is Objective.SINGLE_LABEL:
        return confusion_matrix(targets, predicted_classes(predictions), len(classes))
    if objective is Objective.TAGS:
        _, true, guess = flat(targets, predictions)
        return confusion_matrix(true[guess >= 0], guess[guess >= 0], len(classes))
    raise ValueError(f"a confusion matrix is not defined for {objective} targets")


def class_scores(
    objective: Objective, classes: tuple[str, ...], targets: Targets, predictions: Predictions
) -> list[ClassScore]:
    """Return precision, recall, F1 and support of every class, in index order.

    Tags that name spans are scored by entity type, in alphabetical order; a regression has none.
    """
    if objective is Objective.REAL:
        return []
    if objective is Objective.TAGS and are_span_tags(classes):
        return _span_scores(classes, targets, predictions)
    right, predicted, true = _counts(objective, len(classes), targets, predictions)
    return _scores(classes, right, predicted, true)


def _counts(
    objective: Objective, classes: int, targets: Any, predictions: Any
) -> tuple[Any, Any, Any]:
    """Return right, predicted and true counts of every class, each (C,)."""
    if objective is Objective.MULTI_LABEL:
        labels, found = np.asarray(targets) > 0.5, predicted_labels(predictions)
        return (labels & found).sum(0), found.sum(0), labels.sum(0)
    if objective is Objective.TAGS:
        _, true, guess = flat(targets, predictions)
    else:
        true, guess = np.asarray(targets), predicted_classes(predictions)
    parts = (true[true == guess], guess[guess >= 0], true)
    right, predicted, support = (np.bincount(part, minlength=classes) for part in parts)
    return right, predicted, support


def _span_scores(classes: tuple[str, ...], targets: Any, predictions: Any) -> list[ClassScore]:
    pairs = span_pairs(classes, targets, predictions)
    names = tuple(sorted({tag.partition("-")[2] for tag in classes if tag != "O"}))

    def counts(sets: Any) -> list[int]:
        kinds = [span[2] for found in sets for span in found]
        return [kinds.count(name) for name in names]

    return _scores(
        names,
        counts(t & p for t, p in pairs),
        counts(p for _, p in pairs),
        counts(t for t, _ in pairs),
    )


def _scores(names: tuple[str, ...], right: Any, predicted: Any, true: Any) -> list[ClassScore]:
    right, predicted, true = (np.asarray(part) for part in (right, predicted, true))
    precision, recall = divided(right, predicted), divided(right, true)
    f1 = divided(2 * right, predicted + true)
    return [
        ClassScore(name, float(precision[i]), float(recall[i]), float(f1[i]), int(true[i]))
        for i, name in enumerate(names)
    ]
