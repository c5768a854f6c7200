"""Calibration: how far a confidence can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from headstart.measure.metric import Evaluator, Targets, Vector, additive, divided, finite
from headstart.task.model import Objective

BINS = 15


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Decisions whose confidence lies in (low, high].

    Attributes:
        confidence: Their mean confidence.
        accuracy: The share of them that is right (multi-label: the share that is true).
        count: How many.
    """

    low: float
    high: float
    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Expected calibration error, 0 (believable) to 1, and the bins that hold any decision."""

    expected_error: float
    bins: list[ReliabilityBin]


def reliability(
    objective: Objective, targets: Targets, predictions: Any, bins: int = BINS
) -> Calibration:
    """Return the expected calibration error and the reliability diagram's bins.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", eq. 3: the mean over equally wide
    bins, weighted by count, of \\|accuracy − confidence\\|. Single-label: confidence of the
    predicted class. Multi-label: probability of every class on every item, pooled.

    Args:
        objective: Single- or multi-label.
        targets: (N,) class indices, or (N, C) of 0 and 1.
        predictions: (N, C) probabilities.
        bins: Number of bins between 0 and 1.
    """
    _, bin_index, confidence, hit = _decisions(objective, targets, predictions, bins)
    count = np.bincount(bin_index, minlength=bins)
    confidences = np.bincount(bin_index, confidence, minlength=bins)
    hits = np.bincount(bin_index, hit, minlength=bins)
    found = [
        ReliabilityBin(
            low=b / bins,
            high=(b + 1) / bins,
            confidence=float(confidences[b] / count[b]),
            accuracy=float(hits[b] / count[b]),
            count=int(count[b]),
        )
        for b in np.flatnonzero(count)
    ]
    error = float(np.abs(confidences - hits).sum() / count.sum())
    return Calibration(error, found)


def calibration_error(
    objective: Objective, targets: Targets, predictions: Any, bins: int = BINS
) -> Evaluator:
    """Return the evaluator of the expected calibration error."""
    item, bin_index, confidence, hit = _decisions(objective, targets, predictions, bins)
    shape = (len(targets), 2 * bins)
    rows = np.concatenate([item, item])
    columns = np.concatenate([bin_index, bin_index + bins])
    values = np.concatenate([confidence - hit, np.ones_like(confidence)])
    # Entries of one item and bin (multi-label) are added up by the constructor.
    statistics = sparse.coo_matrix((values, (rows, columns)), shape=shape).toarray()

    def finish(sums: Vector) -> Vector:
        return divided(np.abs(sums[:, :bins]).sum(axis=1), sums[:, bins:].sum(axis=1))

    return additive(statistics, finish)


def _decisions(
    objective: Objective, targets: Targets, predictions: Any, bins: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Vector, Vector]:
    """Return item, bin, confidence and hit (0 or 1) of every decision."""
    probabilities = finite(predictions)
    truth = np.asarray(targets)
    if objective is Objective.SINGLE_LABEL:
        confidence = probabilities.max(axis=1)
        hit = (probabilities.argmax(axis=1) == truth).astype(np.float64)
        item = np.arange(len(truth))
    elif objective is Objective.MULTI_LABEL:
        confidence = probabilities.ravel()
        hit = (truth > 0.5).astype(np.float64).ravel()
        item = np.repeat(np.arange(len(truth)), truth.shape[1])
    else:
        raise ValueError(f"calibration is not defined for {objective} targets")
    bin_index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    return item, bin_index, confidence, hit
