"""partial: only the top blocks are trained, starting from the probe's head."""

from __future__ import annotations

from headstart.base.blocks import blocks
from headstart.method.gradient import GradientMethod
from headstart.method.model import Hyperparameters, Setting
from headstart.task.model import Task
from headstart.train.groups import Group, depth_groups
from headstart.train.network import Network
from headstart.train.workbench import Workbench

SHARE = 1 / 3  # of the blocks, from the top


class Partial(GradientMethod):
    """The top third of the blocks and the head; the rest stays frozen (Yosinski et al. 2014)."""

    name = "partial"
    summary = "top third of the blocks trained"
    rates = (3e-5, 1e-4, 3e-4)

    def search(self, task: Task, bench: Workbench | None, metric: str) -> list[Hyperparameters]:
        """Return one setting a rate, with the number of blocks that are trained."""
        top = _third(bench) if bench is not None else 1
        return [{**setting, "top": top} for setting in super().search(task, bench, metric)]

    def groups(self, network: Network, setting: Setting) -> list[Group]:
        """Return the head and the top blocks."""
        return depth_groups(network, top=setting.hyperparameters["top"])

    def flop_factor(self, bench: Workbench) -> float:
        """One pass forward and back through the top; where its input is not kept, all forward."""
        below = bench.below(_third(bench))
        return 3.0 * (1.0 - below) if below else 1.0 + 2.0 * SHARE

    def once_factor(self, bench: Workbench) -> float:
        """Return the frozen blocks' share of a pass."""
        return bench.below(_third(bench))


def _third(bench: Workbench) -> int:
    return max(1, round(SHARE * len(blocks(bench.pristine.body))))
