"""Linear layers whose weights are kept in 4 bits: NF4 with double quantisation, by bitsandbytes.

The layer is our own, around bitsandbytes' product: its ``Linear4bit`` repacks weights for a
bfloat16 product at the first evaluation on some processors (AVX512-BF16), after which training
gets no gradients through it and says nothing, and it rounds biases where they stand.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import Any

import torch
from torch import Tensor, nn

from headstart.base.compat import prepare_peft

PACKAGE = "bitsandbytes"


class FourBit(nn.Linear):
    """A linear layer with frozen weights in 4 bits.

    Attributes:
        compute: Dtype of the product.
    """

    compute: torch.dtype

    def values(self, dtype: torch.dtype) -> Tensor:
        """Return the weights (out, in) that the 4 bits stand for."""
        raise NotImplementedError

    def whole(self) -> nn.Linear:
        """Return the layer with the float32 weights that its 4 bits stand for."""
        bias = self.bias is not None
        found = nn.Linear(self.in_features, self.out_features, bias=bias, device="meta")
        found.weight = nn.Parameter(self.values(torch.float32), requires_grad=False)
        if self.bias is not None:
            found.bias = nn.Parameter(self.bias.detach().clone(), requires_grad=False)
        return found


class FourBitLinear(FourBit):
    """``W x + b`` with W (out, in) in 4-bit blocks (QLoRA, Dettmers et al. 2023, 2305.14314).

    W is frozen; the gradient in x is that of the dequantised weights.

    Args:
        layer: Its weights are quantised, on their device; it is left as it is.
        compute: Dtype of the product.
    """

    def __init__(self, layer: nn.Linear, compute: torch.dtype = torch.float32) -> None:
        bnb = _library()
        super().__init__(layer.in_features, layer.out_features, bias=False, device="meta")
        packed, state = bnb.functional.quantize_4bit(
            layer.weight.detach(), blocksize=64, compress_statistics=True, quant_type="nf4"
        )
        self.weight = bnb.nn.Params4bit(
            packed,
            requires_grad=False,
            quant_state=state,
            blocksize=64,
            compress_statistics=True,
            quant_type="nf4",
            bnb_quantized=True,
        )
        if layer.bias is not None:
            self.bias = nn.Parameter(layer.bias.detach().clone(), requires_grad=False)
        self.compute = compute

    def forward(self, input: Tensor) -> Tensor:
        """Return the product (…, out) of (…, in), in the input's dtype."""
        weight: Any = self.weight
        bias = None if self.bias is None else self.bias.to(self.compute)
        found: Tensor = _library().matmul_4bit(
            input.to(self.compute), weight, quant_state=weight.quant_state, bias=bias
        )
        return found.to(input.dtype)

    def values(self, dtype: torch.dtype) -> Tensor:
        """Return the weights (out, in) that the 4 bits stand for."""
        weight: Any = self.weight
        found: Tensor = _library().functional.dequantize_4bit(weight.data, weight.quant_state)
        return found.to(dtype)


def fault(device: torch.device) -> str | None:
    """Return why 4-bit layers do not work on ``device``, or None if they do.

    A small layer is tried: its product and the gradient must be those of its dequantised weights.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        return f"the package '{PACKAGE}' is not installed"
    try:
        right = _tried(device)
    except Exception as error:  # whatever a library without kernels for this machine says
        return f"{PACKAGE} does not work on this machine ({_short(error)})"
    return None if right else f"{PACKAGE} computes wrong products on this machine"


def _tried(device: torch.device) -> bool:
    values = torch.linspace(-1.0, 1.0, 64 * 128, device=device).sin().view(64, 128)
    layer = nn.Linear(128, 64, bias=False, device="meta")
    layer.weight = nn.Parameter(values)
    small = FourBitLinear(layer)
    given = torch.linspace(-1.0, 1.0, 4 * 128, device=device).view(4, 128).requires_grad_(True)
    with torch.no_grad():
        small(given)  # an evaluation must not change what follows
    with torch.enable_grad():
        products = [small(given), small.whole()(given)]
        slopes = [torch.autograd.grad(found.square().sum(), given)[0] for found in products]
    pairs = [products, slopes, [small.whole().weight, values]]
    # NF4 is off by at most 15 % of a block's largest value
    limits = [1e-3, 1e-3, 0.2]
    with torch.no_grad():
        return all(
            bool((a - b).abs().max() <= limit * b.abs().max())
            for (a, b), limit in zip(pairs, limits, strict=True)
        )


@functools.cache
def _library() -> Any:
    """Return bitsandbytes; its product is made known to torch's counter of operations."""
    prepare_peft()
    import bitsandbytes
    from torch.utils.flop_counter import flop_registry, register_flop_formula

    product = torch.ops.bitsandbytes.gemm_4bit
    if product not in flop_registry:
        register_flop_formula(product)(_flop)
    return bitsandbytes


def _flop(given: Any, packed: Any, shape: Any, *rest: Any, **named: Any) -> int:
    """Return the operations of a product of (…, in) with weights of ``shape`` (out, in)."""
    rows = torch.Size(given).numel() // int(shape[1])
    return 2 * rows * int(shape[0]) * int(shape[1])


def _short(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
