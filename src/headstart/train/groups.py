"""Which weights are trained, at which share of the rate, and from which step on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from headstart.base.blocks import blocks
from headstart.train.network import Network
from headstart.train.schedule import layer_rates


@dataclass(frozen=True)
class Group:
    """Modules that train together.

    Attributes:
        modules: What is trained; frozen modules stay in evaluation mode (no dropout).
        factor: Factor on the schedule's rate.
        from_step: First step at which the group is trained.
        only: Train only parameters with this in their name ("lora_"); empty trains all.
        loose: Parameters that lie in no block (a vision transformer's class token).
    """

    modules: Sequence[nn.Module]
    factor: float = 1.0
    from_step: int = 0
    only: str = ""
    loose: Sequence[nn.Parameter] = ()

    def parameters(self) -> list[nn.Parameter]:
        """Return the trained parameters of the modules, each once."""
        named = (pair for module in self.modules for pair in module.named_parameters())
        inside = {id(p): p for name, p in named if self.only in name}
        return list({**inside, **{id(p): p for p in self.loose}}.values())


def depth_groups(
    network: Network, *, decay: float = 1.0, top: int | None = None, head_factor: float = 1.0
) -> list[Group]:
    """Return the head's group, then one a block from the top down.

    Args:
        network: What is trained.
        decay: Factor on the rate from one block to the one below it.
        top: Train only this many blocks from the top; None trains all.
        head_factor: Factor on the head's rate.
    """
    stack = [modules for _, modules in blocks(network.encoder.body)]
    rates = layer_rates(len(stack), decay)
    body = [Group(modules, rate) for modules, rate in zip(stack, rates, strict=True)]
    if top is not None:
        body = body[len(body) - min(top, len(body)) :]
    else:
        inside = {id(p) for group in body for p in group.parameters()}
        loose = [p for p in network.encoder.body.parameters() if id(p) not in inside]
        body[0] = replace(body[0], loose=loose)
    return [Group([network.head], head_factor), *reversed(body)]


def activate(network: Network, groups: Sequence[Group], step: int, keep_statistics: bool) -> int:
    """Unfreeze the groups whose step has come, freeze all else; return how many are active.

    Args:
        network: What is trained.
        groups: All groups, active or not yet.
        step: Steps taken so far.
        keep_statistics: Leave batch-norm statistics as they were pre-trained: a small data
            set's own would tear the features up.
    """
    network.eval()
    network.requires_grad_(False)
    active = [group for group in groups if step >= group.from_step]
    for group in active:
        for module in group.modules:
            module.train()
        for parameter in group.parameters():
            parameter.requires_grad_(True)
    if keep_statistics:
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
    return len(active)
