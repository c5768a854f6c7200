"""Linear layers whose weights already were in 4 bits when they came: kept so, nothing is lost.

GGUF's Q4_1 (ggml-org/ggml, docs) keeps runs of 32 weights as 4-bit steps above a smallest value.
Weights that were read from such a file still lie on those steps, and go back into them exactly;
NF4 would round them a second time, which costs a small model more than training brings.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from headstart.base.four_bit import FourBit

BLOCK = 32
_STEPS = 15
_EXACT = 1e-4  # of a block's span: float32 roundings are a thousandth of that, half a step 1/30
_HALF = BLOCK // 2


class OwnBlockLinear(FourBit):
    """``W x + b`` with W (out, in) in blocks of 4-bit steps, as it came.

    W is frozen; it is made whole for each product, and again for the gradient in x.

    Args:
        layer: Its weights fit (see :func:`fits`); it is left as it is.
        compute: Dtype of the product.
    """

    def __init__(self, layer: nn.Linear, compute: torch.dtype = torch.float32) -> None:
        super().__init__(layer.in_features, layer.out_features, bias=False, device="meta")
        low, step, steps = _blocks(layer.weight.detach())
        packed = steps[:, :_HALF] | (steps[:, _HALF:] << 4)
        self.weight = nn.Parameter(packed, requires_grad=False)
        self.low: Tensor
        self.step: Tensor
        self.register_buffer("low", low)
        self.register_buffer("step", step)
        if layer.bias is not None:
            self.bias = nn.Parameter(layer.bias.detach().clone(), requires_grad=False)
        self.compute = compute

    def forward(self, input: Tensor) -> Tensor:
        """Return the product (…, out) of (…, in), in the input's dtype."""
        found: Any = _Product.apply(input.to(self.compute), self)  # type: ignore[no-untyped-call]
        bias = 0 if self.bias is None else self.bias.to(self.compute)
        return torch.as_tensor(found + bias).to(input.dtype)

    def values(self, dtype: torch.dtype) -> Tensor:
        """Return the weights (out, in)."""
        packed = self.weight
        steps = torch.cat([packed & _STEPS, packed >> 4], dim=1)
        found = torch.addcmul(self.low, steps.to(torch.float32), self.step)
        return found.view(self.out_features, self.in_features).to(dtype)


class _Product(torch.autograd.Function):
    """The product with weights that are made whole twice in place of being kept."""

    @staticmethod
    def forward(context: Any, given: Tensor, layer: OwnBlockLinear) -> Tensor:
        context.layer = layer
        return given @ layer.values(given.dtype).T

    @staticmethod
    def backward(context: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        [slope] = slopes
        return slope @ context.layer.values(slope.dtype), None


def fits(weight: Tensor) -> bool:
    """Return whether weights (out, in) lie on 4-bit steps, block by block of 32 inputs."""
    if weight.shape[-1] % BLOCK or not weight.is_floating_point():
        return False
    low, step, steps = _blocks(weight.detach())
    if int(steps.max()) > _STEPS:
        return False
    blocks = weight.detach().float().view(-1, BLOCK)
    error = (torch.addcmul(low, steps.float(), step) - blocks).abs().amax(1)
    span = blocks.amax(1) - blocks.amin(1)
    return bool((error <= _EXACT * span).all())


def _blocks(weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return smallest value and step (blocks, 1) float32, and steps (blocks, 32) uint8."""
    blocks = weight.double().reshape(-1, BLOCK)
    low = blocks.amin(1, keepdim=True)
    span = blocks.amax(1, keepdim=True) - low
    gaps = blocks.sort(1).values.diff(dim=1)
    gaps = torch.where(gaps > _EXACT * span, gaps, torch.inf)
    least = gaps.amin(1, keepdim=True)
    count = torch.where(span > 0, (span / least).round(), 1).clamp(1, 255)
    step = span / count
    steps = torch.where(span > 0, ((blocks - low) / step.clamp(min=1e-30)).round(), 0)
    return low.float(), step.float(), steps.clamp(0, 255).to(torch.uint8)
