"""AdamW with its two moments in float32, or in 8 bits where memory is short (bitsandbytes)."""

from __future__ import annotations

import functools
import importlib.util
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from headstart.base.compat import prepare_peft
from headstart.train.groups import Group
from headstart.train.recipe import EIGHT_BIT, Recipe

PACKAGE = "bitsandbytes"
_BLOCK = 256  # moments that share a scale
_FLOAT32 = 8.0  # bytes a trained weight: two float32 moments
_TRIED = (16, 256)  # a weight large enough that its moments are quantised
_CLOSE = 0.05  # of a step: quantised moments move a weight so near to where float32 ones do


def adamw(groups: Sequence[Group], recipe: Recipe) -> torch.optim.Optimizer:
    """Return AdamW over the groups, each with its share of the rate as "factor".

    With moments in 8 bits it is that of Dettmers et al. 2022 (https://arxiv.org/abs/2110.02861).
    """
    trained: list[dict[str, Any]] = [
        {"params": group.parameters(), "factor": group.factor} for group in groups
    ]
    if recipe.moments == EIGHT_BIT:
        found: torch.optim.Optimizer = _library().optim.AdamW8bit(
            trained, lr=recipe.rate, weight_decay=recipe.weight_decay
        )
        return found
    return torch.optim.AdamW(trained, lr=recipe.rate, weight_decay=recipe.weight_decay, fused=True)


def moment_bytes(moments: str) -> float:
    """Return the bytes that a trained weight's moments take."""
    return 2.0 * (1.0 + 4.0 / _BLOCK) if moments == EIGHT_BIT else _FLOAT32


@functools.cache
def fault(kind: str) -> str | None:
    """Return why moments in 8 bits do not work on devices of this kind, or None if they do.

    A small weight is trained for a few steps beside one with float32 moments.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        return f"the package '{PACKAGE}' is not installed"
    try:
        right = _tried(torch.device(kind))
    except Exception as error:  # whatever a library without kernels for this machine says
        return f"{PACKAGE} does not work on this machine ({type(error).__name__})"
    return None if right else f"{PACKAGE} computes wrong steps on this machine"


def _tried(device: torch.device) -> bool:
    start = torch.linspace(-1.0, 1.0, 16 * 256, device=device).view(_TRIED)
    ends = []
    for moments in ("float32", EIGHT_BIT):
        weight = nn.Parameter(start.clone())
        module = nn.Module()
        module.weight = weight
        optimizer = adamw([Group([module])], Recipe(rate=0.01, steps=4, moments=moments))
        for step in range(4):
            weight.grad = (7.0 * start + step).sin() * (2.0 + start)
            optimizer.step()
        ends.append(weight.detach())
    moved = (ends[0] - start).abs().mean()
    return bool(moved > 0.0) and bool((ends[0] - ends[1]).abs().mean() <= _CLOSE * moved)


@functools.cache
def _library() -> Any:
    prepare_peft()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import bitsandbytes
    return bitsandbytes
