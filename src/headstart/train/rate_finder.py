"""A learning-rate range test: the loss as the rate climbs from too small to too large."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

SMOOTHING = 0.8  # of the running loss
BLOW_UP = 2.0  # times the least smoothed loss (plus its fall) at which the test ends


@dataclass(frozen=True)
class RangeTest:
    """What a range test found.

    Attributes:
        rates: Rates tried, climbing.
        losses: Smoothed loss after each.
        ceiling: Rate at which the loss began to blow up; None if it never did.
    """

    rates: list[float]
    losses: list[float]
    ceiling: float | None


def find_rate(
    step: Callable[[int], Tensor],
    optimizer: torch.optim.Optimizer,
    *,
    low: float = 1e-6,
    high: float = 1e-1,
    steps: int = 30,
) -> RangeTest:
    """Train ``steps`` steps at rates climbing geometrically from ``low`` to ``high``.

    Follows Smith 2017 (https://arxiv.org/abs/1506.01186). The weights are spoilt: restore them.

    Args:
        step: Returns the loss of training batch ``i``, with a graph.
        optimizer: Its groups may carry a "factor" on the rate.
        low, high: Ends of the range.
        steps: Rates tried at most.
    """
    rates: list[float] = []
    losses: list[float] = []
    running = 0.0
    for index in range(steps):
        rate = low * (high / low) ** (index / max(1, steps - 1))
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        loss = step(index)
        value = float(loss.detach())
        if not math.isfinite(value):
            break
        running = SMOOTHING * running + (1 - SMOOTHING) * value
        smooth = running / (1 - SMOOTHING ** (index + 1))
        rates.append(rate)
        losses.append(smooth)
        if index > 2 and smooth > BLOW_UP * min(losses):
            break
        torch.autograd.backward(loss)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return RangeTest(rates, losses, _ceiling(rates, losses, finished=len(rates) == steps))


def _ceiling(rates: list[float], losses: list[float], finished: bool) -> float | None:
    """Return the rate of least loss if the loss clearly rose after it."""
    if not rates:
        return None
    least = min(range(len(losses)), key=losses.__getitem__)
    rose = losses[-1] > 1.2 * losses[least] + 1e-9
    return rates[least] if rose or not finished else None
