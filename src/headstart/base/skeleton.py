"""What all encoders share: the settable body, LoRA targets, and re-initialisation."""

from __future__ import annotations

import copy
import dataclasses
from abc import abstractmethod
from typing import cast

import torch
from torch import nn

from headstart.base.blocks import blocks
from headstart.base.model import BaseCard, Encoder


class Skeleton(Encoder):
    """An encoder around one library module.

    Args:
        card: What is known of the base.
        body: The library's module, without a head.
    """

    def __init__(self, card: BaseCard, body: nn.Module) -> None:
        super().__init__()
        self.card = card
        self._modules["body"] = body.eval()

    @property
    def body(self) -> nn.Module:
        """The library's own module, without a head."""
        # nn.Module.__setattr__ stores modules here before it ever looks for a property's setter.
        return cast(nn.Module, self._modules["body"])

    @body.setter
    def body(self, module: nn.Module) -> None:
        self._modules["body"] = module

    @abstractmethod
    def fresh_body(self) -> nn.Module:
        """Return a new body of the same architecture, initialised by the library itself."""

    def initialise(self, seed: int) -> None:
        """Overwrite all weights with the library's own initialisation, drawn from ``seed``.

        The caller's random state is left as it was.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh = self.fresh_body()
        self.body.load_state_dict(fresh.state_dict())

    def lora_targets(self) -> list[str]:
        """Return the linear layers, and for convolutional nets the 1x1 convolutions, to adapt.

        The lowest block (embeddings, stem) and poolers are left alone. Where 1x1 convolutions
        are the exception, as in ResNet-18, every ungrouped convolution is taken instead.
        """
        names = {id(module): name for name, module in self.body.named_modules()}
        # nn.MultiheadAttention multiplies by out_proj's weight itself: an adapter there is deaf.
        deaf = {id(m.out_proj) for m in self.body.modules() if isinstance(m, nn.MultiheadAttention)}
        linear: list[str] = []
        pointwise: list[str] = []
        spatial: list[str] = []
        for path, modules in blocks(self.body)[1:]:
            if path.split(".")[-1] == "pooler":
                continue
            for layer in (part for module in modules for part in module.modules()):
                if id(layer) in deaf:
                    continue
                if isinstance(layer, nn.Linear):
                    linear.append(names[id(layer)])
                elif isinstance(layer, nn.Conv2d) and layer.groups == 1:
                    small = layer.kernel_size == (1, 1)
                    (pointwise if small else spatial).append(names[id(layer)])
        few = len(pointwise) < len(spatial)
        return linear + pointwise + (spatial if few and not linear else [])

    def plain_body(self) -> nn.Module:
        """Return the body with adapters merged into its weights, on the CPU, for saving."""
        body = self.body
        if any(hasattr(module, "base_layer") for module in body.modules()):
            merged = copy.deepcopy(body)
            body = cast(nn.Module, merged.merge_and_unload())  # type: ignore[operator]
        return body

    def rename(self, reference: str) -> None:
        """Let the card say ``reference`` (an encoder that another source resolved)."""
        self.card = dataclasses.replace(self.card, reference=reference)


def count_parameters(module: nn.Module) -> int:
    """Return the number of weights of ``module``, each shared one counted once."""
    return sum(parameter.numel() for parameter in module.parameters())
