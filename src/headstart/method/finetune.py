"""finetune: all weights are trained, starting from the probe's head."""

from __future__ import annotations

from headstart.method.gradient import GradientMethod
from headstart.method.model import Hyperparameters, Setting
from headstart.task.model import Objective, Task
from headstart.train.groups import Group, depth_groups
from headstart.train.network import Network
from headstart.train.workbench import Workbench


class Finetune(GradientMethod):
    """Full fine-tuning with layer-wise rate decay, from the probe (LP-FT, Kumar et al. 2022)."""

    name = "finetune"
    summary = "all weights trained"
    rates = (3e-5, 1e-4, 3e-4)

    def search(self, task: Task, bench: Workbench | None, metric: str) -> list[Hyperparameters]:
        """Return one setting a rate, with the layer-wise decay of the rate.

        None for texts: 0.9 to the power of a decoder's thirty layers leaves the lowest nothing.
        """
        decay = 1.0 if task.objective is Objective.TEXT else 0.9
        found = super().search(task, bench, metric)
        return [{**setting, "layer_decay": decay} for setting in found]

    def groups(self, network: Network, setting: Setting) -> list[Group]:
        """Return the head and every block, each lower one at a lower rate."""
        return depth_groups(network, decay=setting.hyperparameters["layer_decay"])
