"""finetune: all weights are trained, starting from the probe's head."""

from __future__ import annotations

from headstart.method.gradient import GradientMethod
from headstart.method.model import Hyperparameters, Setting
from headstart.train.groups import Group, depth_groups
from headstart.train.network import Network


class Finetune(GradientMethod):
    """Full fine-tuning with layer-wise rate decay, from the probe (LP-FT, Kumar et al. 2022)."""

    name = "finetune"
    summary = "all weights trained, from the probe"
    rates = (3e-5, 1e-4, 3e-4)

    def extra(self) -> Hyperparameters:
        """Return the layer-wise decay of the rate."""
        return {"layer_decay": 0.9}

    def groups(self, network: Network, setting: Setting) -> list[Group]:
        """Return the head and every block, each lower one at a lower rate."""
        return depth_groups(network, decay=setting.hyperparameters["layer_decay"])
