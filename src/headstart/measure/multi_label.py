"""Metrics of multi-label classification: targets (N, C) of 0 and 1, predictions (N, C)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from headstart.measure.calibration import calibration_error
from headstart.measure.f1 import class_counts, macro_f1, micro_f1
from headstart.measure.metric import Evaluator, additive, finite, mean_of
from headstart.task.model import Objective

THRESHOLD = 0.5


def predicted_labels(predictions: Any) -> NDArray[np.bool_]:
    """Return which labels are predicted: probability of at least one half, (N, C) → (N, C)."""
    return np.asarray(finite(predictions) >= THRESHOLD)


def hits(targets: Any, predictions: Any) -> NDArray[np.bool_]:
    """Return which items have exactly the true set of labels, (N,)."""
    same = predicted_labels(predictions) == (np.asarray(targets) > 0.5)
    return np.asarray(same.all(axis=1))


def micro(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """F1 over all decisions pooled."""
    return additive(_counts(targets, predictions), micro_f1)


def macro(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Mean F1 of the labels that are true or predicted anywhere."""
    return additive(_counts(targets, predictions), macro_f1)


def subset_accuracy(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Share of items whose whole set of labels is right."""
    return mean_of(hits(targets, predictions))


def log_loss(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Mean binary cross-entropy of all decisions."""
    dtype = np.asarray(predictions).dtype
    floor = np.finfo(dtype if np.issubdtype(dtype, np.floating) else np.float64).eps
    probabilities = finite(predictions)
    of_truth = np.where(np.asarray(targets) > 0.5, probabilities, 1 - probabilities)
    return mean_of(-np.log(np.clip(of_truth, floor, 1.0)).mean(axis=1))


def calibration(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Expected calibration error of all decisions pooled."""
    return calibration_error(Objective.MULTI_LABEL, targets, predictions)


def _counts(targets: Any, predictions: Any) -> Any:
    truth, guess = np.asarray(targets) > 0.5, predicted_labels(predictions)
    return class_counts(*(sparse.csr_matrix(part) for part in (truth & guess, guess, truth)))
