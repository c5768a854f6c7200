"""lora: low-rank updates beside frozen weights, starting from the probe's head."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from headstart.method.gradient import GradientMethod
from headstart.method.model import Hyperparameters, Setting
from headstart.train.groups import Group
from headstart.train.network import Network
from headstart.train.workbench import Workbench


class Lora(GradientMethod):
    """LoRA by peft on all linear layers of the body (Hu et al. 2021, arXiv 2106.09685).

    All linear layers, and about ten times the rate of full fine-tuning, is what makes it tie
    with full fine-tuning ("LoRA without regret", Schulman et al. 2025). The updates are merged
    into the weights at the end; the adapter is kept beside them for peft.
    """

    name = "lora"
    summary = "low-rank updates on all linear layers, from the probe"
    rates = (3e-4, 1e-3, 3e-3)

    def extra(self) -> Hyperparameters:
        """Return rank and scale."""
        return {"rank": 8, "alpha": 16}

    def prepare(self, network: Network, setting: Setting) -> None:
        """Wrap the body by peft; A is drawn from the seed, B is zero."""
        from peft import LoraConfig, get_peft_model

        encoder, values = network.encoder, setting.hyperparameters
        config = LoraConfig(
            r=values["rank"],
            lora_alpha=values["alpha"],
            target_modules=encoder.lora_targets(),
            lora_dropout=0.0,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(setting.seed)
            wrapped = get_peft_model(cast(Any, encoder.body), config)
        wrapped.peft_config["default"].base_model_name_or_path = _base_name(encoder.card.reference)
        encoder.body = wrapped
        network.to(encoder.device())

    def groups(self, network: Network, setting: Setting) -> list[Group]:
        """Return the head and the low-rank matrices."""
        return [
            Group([network.head], factor=0.1),  # it is fitted already; the high rate is LoRA's
            Group([network.encoder.body], only="lora_"),
        ]

    def finish(self, network: Network, setting: Setting) -> Path | None:
        """Keep the adapter, merge it into the weights."""
        wrapped = cast(Any, network.encoder.body)
        adapter = setting.folder / "adapter"
        wrapped.save_pretrained(str(adapter))
        network.encoder.body = cast(nn.Module, wrapped.merge_and_unload())
        return adapter

    def flop_factor(self, bench: Workbench) -> float:
        """One pass forward, one back; the low-rank gradients cost next to nothing."""
        return 2.1


def _base_name(reference: str) -> str:
    """Return what the adapter says of its base: never a folder of this machine."""
    prefix, _, name = reference.partition(":")
    if prefix == "hf":
        return name.partition("@")[0]
    return Path(name).name if prefix == "local" else reference
