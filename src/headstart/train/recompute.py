"""Gradient checkpointing: of each block only its input is kept, the rest is computed again.

Chen et al. 2016, https://arxiv.org/abs/1604.06174. One forward pass more a step, and memory that
grows with the depth by a hidden state a token instead of all that a block keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

FACTOR = 4 / 3  # operations of a step, in those of one that keeps everything


@contextmanager
def recomputing(body: nn.Module, wanted: bool = True) -> Iterator[int]:
    """Let the blocks of ``body`` be computed again in backward passes while the block runs.

    Losses and gradients are what they are without; dropout draws the same.

    Args:
        body: The library's module.
        wanted: False does nothing.

    Yields:
        How many blocks there are; 0 where nothing is computed again.
    """
    found = stacked(body) if wanted else []
    for block in found:
        block.forward = partial(_again, block.forward)
    try:
        yield len(found)
    finally:
        for block in found:
            del block.forward


def stacked(body: nn.Module) -> list[nn.Module]:
    """Return the blocks of the largest stack of a body; none where it is no transformer."""
    stacks = [one for one in body.modules() if isinstance(one, nn.ModuleList) and len(one) > 1]
    stacks = [one for one in stacks if len({type(block) for block in one}) == 1]
    largest = max(stacks, key=_weights, default=None)
    return [] if largest is None else list(largest)


def _weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _again(forward: Callable[..., Any], hidden: Tensor, *args: Any, **kwargs: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(hidden, *args, **kwargs)
    kept = cast(Tensor, _Kept.apply(hidden))  # type: ignore[no-untyped-call]
    return checkpoint(forward, kept, *args, use_reentrant=False, **kwargs)


class _Kept(torch.autograd.Function):
    """The identity, which shows whoever counts saved tensors that its input is kept."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor) -> Tensor:
        ctx.save_for_backward(hidden)
        return hidden.view_as(hidden)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]
