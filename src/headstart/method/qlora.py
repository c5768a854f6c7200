"""qlora: low-rank updates beside weights in 4 bits, merged in float32 at the end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import torch
from torch import nn

from headstart.base.decoder import Decoder
from headstart.base.device import pick_device
from headstart.base.four_bit import FourBit, FourBitLinear, fault
from headstart.base.model import BaseCard, Encoder
from headstart.base.own_blocks import OwnBlockLinear, fits
from headstart.measure.cost import weight_bytes
from headstart.method.gradient import Ending
from headstart.method.lora import Lora
from headstart.method.model import Need, Setting
from headstart.method.watched import training_precision
from headstart.task.model import Objective, Task
from headstart.train.network import Network

MEND = "pip install 'headstart[llm]', or --method lora"
FOREIGN = (
    "the adapter was trained beside the base in 4 bits (NF4, double quantisation): beside the "
    "base in float32 it says something else; the merged model is the one that was scored"
)


class Qlora(Lora):
    """LoRA on a base whose linear layers are in 4 bits (Dettmers et al. 2023, 2305.14314).

    Weights that came in 4 bits (GGUF's Q4_1) stay in their own blocks, which loses nothing; all
    others become NF4. Adapters are merged into what the 4 bits stand for, in float32, never into
    4 bits again, so that the delivered model is the one that was trained.
    """

    name = "qlora"
    summary = "low-rank updates beside weights in 4 bits"

    def refuse(self, task: Task, card: BaseCard | None) -> str | None:
        """Only decoders on texts, and only where 4-bit layers work."""
        if task.objective is not Objective.TEXT:
            return "4-bit training is for language models on texts: use --method lora"
        found = fault(pick_device())
        return None if found is None else f"{found}: {MEND}"

    def encoder(self, setting: Setting) -> Encoder:
        """Return a copy of the base with 4-bit layers; what they replace is never copied."""
        pristine = cast(Decoder, setting.base.pristine)
        layers = [pristine.body.get_submodule(path) for path in pristine.lora_targets()]
        compute = training_precision(setting)
        return setting.base.encoder(
            {layer: _in_four_bits(cast(nn.Linear, layer), compute) for layer in layers}
        )

    def finish(self, network: Network, setting: Setting) -> Ending:
        """Merge in float32, whatever the products were computed in while training."""
        layers = [module for module in network.modules() if isinstance(module, FourBit)]
        for layer in layers:
            layer.compute = torch.float32
        ending = super().finish(network, setting)
        if not any(isinstance(layer, FourBitLinear) for layer in layers):
            return ending  # beside the base in float32 it says the same
        return replace(ending, notes=(*ending.notes, FOREIGN))

    def merged(self, wrapped: Any) -> nn.Module:
        """Return the body with float32 layers, the updates added to their weights."""
        for module in list(wrapped.modules()):
            if isinstance(getattr(module, "base_layer", None), FourBit):
                module.base_layer = module.base_layer.whole()
        return super().merged(wrapped)

    def need(self, setting: Setting) -> Need:
        """Count a step, and the float32 model at the end."""
        return replace(super().need(setting), end=float(weight_bytes(setting.base.pristine)))


def _in_four_bits(layer: nn.Linear, compute: torch.dtype) -> FourBit:
    kind = OwnBlockLinear if fits(layer.weight) else FourBitLinear
    return kind(layer, compute)
