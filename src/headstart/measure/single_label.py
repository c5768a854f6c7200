"""Metrics of single-label classification: targets (N,) indices, predictions (N, C)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.measure.calibration import calibration_error
from headstart.measure.f1 import balanced_recall, class_counts, macro_f1, one_hot
from headstart.measure.metric import Evaluator, additive, finite, mean_of
from headstart.task.model import Objective


def predicted_classes(predictions: Any) -> NDArray[np.int64]:
    """Return the most probable class of each item, (N, C) → (N,)."""
    return np.asarray(finite(predictions).argmax(axis=1), dtype=np.int64)


def hits(targets: Any, predictions: Any) -> NDArray[np.bool_]:
    """Return which items' most probable class is the true one, (N,)."""
    return np.asarray(predicted_classes(predictions) == np.asarray(targets))


def accuracy(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Share of items whose most probable class is the true one."""
    return mean_of(hits(targets, predictions))


def macro(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Mean F1 of the classes."""
    return additive(_counts(classes, targets, predictions), macro_f1)


def balanced(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Mean recall of the classes (balanced accuracy)."""
    return additive(_counts(classes, targets, predictions), balanced_recall)


def log_loss(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Mean −ln of the true class's probability, which is held above the dtype's epsilon."""
    dtype = np.asarray(predictions).dtype
    floor = np.finfo(dtype if np.issubdtype(dtype, np.floating) else np.float64).eps
    probabilities = finite(predictions)
    of_truth = probabilities[np.arange(len(probabilities)), np.asarray(targets)]
    return mean_of(-np.log(np.clip(of_truth, floor, 1.0)))


def calibration(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Expected calibration error of the predicted class's confidence."""
    return calibration_error(Objective.SINGLE_LABEL, targets, predictions)


def _counts(classes: tuple[str, ...], targets: Any, predictions: Any) -> Any:
    truth, guess = np.asarray(targets), predicted_classes(predictions)
    width = max(len(classes), np.shape(predictions)[1])
    return class_counts(
        one_hot(truth, width, keep=truth == guess), one_hot(guess, width), one_hot(truth, width)
    )
