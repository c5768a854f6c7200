"""Learning-rate schedules: warm-up, then a linear or cosine descent."""

from __future__ import annotations

import math
from typing import Literal

Shape = Literal["linear", "cosine", "constant"]


def rate_factor(step: int, total: int, *, warmup: float = 0.1, shape: Shape = "cosine") -> float:
    """Return the factor in [0, 1] on the peak rate at ``step`` (0-based) of ``total`` steps.

    Args:
        step: Steps already taken.
        total: Steps of the whole run.
        warmup: Share of the steps in which the rate climbs linearly to its peak.
        shape: How it falls to zero afterwards; "constant" stays.
    """
    climb = max(1, round(warmup * total))
    if step < climb:
        return (step + 1) / climb
    if shape == "constant":
        return 1.0
    left = (total - step) / max(1, total - climb)
    left = min(1.0, max(0.0, left))
    if shape == "linear":
        return left
    return 0.5 * (1.0 - math.cos(math.pi * left))


def layer_rates(depth: int, decay: float) -> list[float]:
    """Return the factor on the rate for each of ``depth`` blocks, bottom first.

    The top block has 1, each one below ``decay`` times the one above it: discriminative
    fine-tuning (Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, section 3.2).
    """
    return [decay ** (depth - 1 - block) for block in range(depth)]
