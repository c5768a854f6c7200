"""lora: low-rank updates beside frozen weights, starting from the probe's head."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from torch import nn

from headstart.base.blocks import blocks
from headstart.base.compat import prepare_peft
from headstart.method.gradient import Ending, GradientMethod
from headstart.method.merging import merge_checked
from headstart.method.model import Hyperparameters, Setting
from headstart.task.model import Objective
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
    summary = "low-rank updates on all linear layers"
    rates = (3e-4, 1e-3, 3e-3)
    slim = True
    variant: ClassVar[dict[str, Any]] = {}  # what else peft is told

    def extra(self) -> Hyperparameters:
        """Return rank and scale."""
        return {"rank": 8, "alpha": 16}

    def prepare(self, network: Network, setting: Setting) -> None:
        """Wrap the body by peft; A is drawn from the seed, B is zero."""
        prepare_peft()
        from peft import LoraConfig, get_peft_model

        encoder, values = network.encoder, setting.hyperparameters
        config = LoraConfig(
            r=values["rank"],
            lora_alpha=values["alpha"],
            target_modules=_within(encoder.lora_targets(), _adapted(setting)),
            lora_dropout=0.0,
            **self.variant,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(setting.seed)
            wrapped = get_peft_model(cast(Any, encoder.body), config)
        wrapped.peft_config["default"].base_model_name_or_path = _base_name(encoder.card.reference)
        encoder.body = wrapped
        network.to(encoder.device())

    def groups(self, network: Network, setting: Setting) -> list[Group]:
        """Return the head and the low-rank matrices."""
        body = cast(Any, network.encoder.body).get_base_model()
        adapted = [body.get_submodule(path) for path in _adapted(setting)]
        return [
            Group([network.head], factor=0.1),  # it is fitted already; the high rate is LoRA's
            Group(adapted, only="lora_"),
        ]

    def finish(self, network: Network, setting: Setting) -> Ending:
        """Keep the adapter, merge it into the weights; of decoders check that nothing moved."""
        wrapped = cast(Any, network.encoder.body)
        adapter = setting.folder / "adapter"
        wrapped.save_pretrained(str(adapter))

        def merge() -> None:
            network.encoder.body = self.merged(wrapped)

        if setting.task.objective is Objective.TEXT:
            return merge_checked(merge, network, setting, adapter)
        merge()
        return Ending(adapter)

    def merged(self, wrapped: Any) -> nn.Module:
        """Return the body that peft wrapped, the updates added to its weights."""
        return cast(nn.Module, wrapped.merge_and_unload())

    def flop_factor(self, bench: Workbench) -> float:
        """One pass forward, one back; the low-rank gradients cost next to nothing."""
        return 2.1


def _adapted(setting: Setting) -> list[str]:
    """Return the paths, in the library's own body, of what holds adapters: the top blocks, or all.

    "top" in the hyperparameters says how many blocks.
    """
    top = setting.hyperparameters.get("top")
    if top is None:
        return [""]
    body = setting.base.pristine.body
    names = {id(module): name for name, module in body.named_modules()}
    return [names[id(module)] for _, modules in blocks(body)[-top:] for module in modules]


def _within(targets: list[str], paths: list[str]) -> list[str]:
    return [
        target
        for target in targets
        if any(path in ("", target) or target.startswith(f"{path}.") for path in paths)
    ]


def _base_name(reference: str) -> str:
    """Return what the adapter says of its base: never a folder of this machine."""
    prefix, _, name = reference.partition(":")
    if prefix == "hf":
        return name.partition("@")[0]
    return Path(name).name if prefix == "local" else reference
