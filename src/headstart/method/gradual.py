"""gradual: blocks are unfrozen one after another from the top, at discriminative rates."""

from __future__ import annotations

from dataclasses import replace

from headstart.method.gradient import GradientMethod
from headstart.method.model import Hyperparameters, Setting
from headstart.train.groups import Group, depth_groups
from headstart.train.network import Network
from headstart.train.workbench import Workbench


class Gradual(GradientMethod):
    """Gradual unfreezing with discriminative rates, from the probe.

    ULMFiT (Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, sections 3.2 and 3.3). The
    last block is unfrozen after ``unfrozen_by`` of the steps.
    """

    name = "gradual"
    summary = "blocks unfrozen from the top"
    rates = (3e-5, 1e-4, 3e-4)

    def extra(self) -> Hyperparameters:
        """Return the decay of the rate from block to block and when all are unfrozen."""
        return {"layer_decay": 0.8, "unfrozen_by": 0.5}

    def groups(self, network: Network, setting: Setting) -> list[Group]:
        """Return the head, then the blocks, each with the step at which it is unfrozen."""
        values = setting.hyperparameters
        head, *stack = depth_groups(network, decay=values["layer_decay"])
        span = values["unfrozen_by"] * values["steps"] / max(1, len(stack) - 1)
        later = [replace(group, from_step=round(span * index)) for index, group in enumerate(stack)]
        return [head, *later]

    def flop_factor(self, bench: Workbench) -> float:
        """Half the steps train half the blocks on average, the other half all."""
        return 2.5
