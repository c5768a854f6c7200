"""A learning-rate range test: the loss as the rate climbs from too small to too large."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

SMOOTHING = 0.8  # of the running loss
OPENING = 6  # first losses, at rates too small to matter: how far batches differ as it is
BLOW_UP = 1.5  # times the largest of them: training has come apart
END = 4.0  # times the largest of them: enough seen


@dataclass(frozen=True)
class RangeTest:
    """What a range test found.

    Attributes:
        rates: Rates tried, climbing.
        losses: Smoothed loss after each.
        ceiling: Rate at which the loss began to blow up, or was no number; None if it never did.
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
    running, apart = 0.0, None
    for index in range(steps):
        rate = low * (high / low) ** (index / max(1, steps - 1))
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        loss = step(index)
        value = float(loss.detach())
        if not math.isfinite(value):
            apart = rate
            break
        running = SMOOTHING * running + (1 - SMOOTHING) * value
        smooth = running / (1 - SMOOTHING ** (index + 1))
        rates.append(rate)
        losses.append(smooth)
        if index > OPENING and smooth > END * max(losses[:OPENING]):
            break
        torch.autograd.backward(loss)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return RangeTest(rates, losses, _ceiling(rates, losses) or apart)


def _ceiling(rates: list[float], losses: list[float]) -> float | None:
    """Return the rate from which the loss stayed above what batches differ by at the start."""
    usual = max(losses[:OPENING], default=0.0)
    above = len(losses)
    while above > 0 and losses[above - 1] > BLOW_UP * usual:
        above -= 1
    return rates[above] if above < len(rates) else None
