"""Metrics of texts that are to be said: targets are bytes (N,), predictions (N, 2) or wider.

The columns of a prediction are what the text costs the model in nats, and its tokens.
"""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

from headstart.measure.metric import Evaluator, Vector, additive, divided, finite


def bits_per_byte(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Bits that a byte (UTF-8) of the text costs: comparable between tokenizers."""
    size, told = _pair(targets, predictions)
    statistics = np.stack([told[:, 0] / log(2), size], axis=1)
    return additive(statistics, lambda sums: divided(sums[:, 0], sums[:, 1]))


def perplexity(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """exp of the mean loss of a token: every token counts the same, whatever its text."""
    _, told = _pair(targets, predictions)

    def finish(sums: Vector) -> Vector:
        return np.asarray(np.exp(np.minimum(divided(sums[:, 0], sums[:, 1]), 700.0)))

    return additive(told, finish)


def _pair(targets: Any, predictions: Any) -> tuple[Vector, Vector]:
    size, told = np.asarray(targets, dtype=np.float64), finite(predictions)[:, :2]
    if told.shape != (len(size), 2):
        raise ValueError(f"predictions of shape {told.shape} for {len(size)} texts")
    return size, told
