"""scratch: the same architecture from random weights, the control of every transfer."""

from __future__ import annotations

from headstart.method.adapted import fold_scale
from headstart.method.gradient import GradientMethod
from headstart.method.model import Setting
from headstart.train.groups import Group, depth_groups
from headstart.train.linear import LinearHead
from headstart.train.loss import target_scale
from headstart.train.network import Network, random_head


class Scratch(GradientMethod):
    """All weights trained from random initialisation, under the same budget as the others."""

    name = "scratch"
    summary = "same architecture, random weights"
    control = True
    keep_statistics = False
    rates = (1e-4, 3e-4, 1e-3)

    def start_head(self, setting: Setting) -> LinearHead:
        """Return a small random head: there are no features worth a probe."""
        head = random_head(setting.task, setting.base.card.width, setting.seed)
        return fold_scale(head, target_scale(setting.task.train, setting.task.objective))

    def start_cost(self, setting: Setting) -> tuple[float, float]:
        """Nothing was computed before."""
        return 0.0, 0.0

    def prepare(self, network: Network, setting: Setting) -> None:
        """Overwrite the base's weights."""
        network.encoder.initialise(setting.seed)

    def groups(self, network: Network, setting: Setting) -> list[Group]:
        """Return everything, all at one rate."""
        return depth_groups(network)
