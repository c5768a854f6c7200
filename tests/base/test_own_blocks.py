"""Weights that came in 4 bits go back into them, and out again, unchanged."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from headstart.base.own_blocks import BLOCK, OwnBlockLinear, fits


def quantised(out: int, blocks: int, seed: int) -> torch.Tensor:
    """Return weights as GGUF's Q4_1 has them: float16 step and smallest value, 4-bit steps."""
    draw = torch.Generator().manual_seed(seed)
    step = torch.rand(out, blocks, 1, generator=draw).mul(0.02).half().float()
    low = torch.randn(out, blocks, 1, generator=draw).mul(0.1).half().float()
    steps = torch.randint(0, 16, (out, blocks, BLOCK), generator=draw)
    return (steps * step + low).reshape(out, blocks * BLOCK)


def linear(weight: torch.Tensor, *, bias: bool = True) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias)
    layer.weight = nn.Parameter(weight)
    return layer


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 10**6))
def test_what_came_in_blocks_comes_back(out: int, blocks: int, seed: int) -> None:
    weight = quantised(out, blocks, seed)
    assert fits(weight)
    found = OwnBlockLinear(linear(weight)).whole().weight
    torch.testing.assert_close(found, nn.Parameter(weight, requires_grad=False), rtol=0, atol=1e-6)


def test_products_and_gradients_are_those_of_the_whole_layer() -> None:
    layer = linear(quantised(12, 3, 0))
    small = OwnBlockLinear(layer)
    given_ = torch.randn(5, 96, requires_grad=True)
    ours, theirs = small(given_), layer(given_)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    [one] = torch.autograd.grad(ours.square().sum(), given_)
    [other] = torch.autograd.grad(theirs.square().sum(), given_)
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-4)


def test_they_take_a_fifth_of_float32() -> None:
    small = OwnBlockLinear(linear(quantised(64, 8, 0), bias=False))
    size = sum(one.nbytes for one in [*small.parameters(), *small.buffers()])
    assert size <= 4 * 64 * 8 * BLOCK / 5


@pytest.mark.parametrize(
    "weight",
    [torch.randn(4, 64), torch.randn(4, 33), torch.linspace(0, 1, 32 * 17).view(17, 32)[:, :31],
     quantised(2, 2, 0) + 1e-3 * torch.randn(2, 64)],
)  # fmt: skip
def test_other_weights_do_not_fit(weight: torch.Tensor) -> None:
    assert not fits(weight)


def test_constant_and_zero_blocks_fit() -> None:
    weight = torch.cat([torch.zeros(2, 32), torch.full((2, 32), 0.25)], dim=1)
    assert fits(weight)
    torch.testing.assert_close(
        OwnBlockLinear(linear(weight)).whole().weight, nn.Parameter(weight, requires_grad=False)
    )
