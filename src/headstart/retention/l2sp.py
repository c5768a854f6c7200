"""l2sp: weights are pulled back to where they started."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from headstart.base.model import Batch
from headstart.retention.anchor import Anchor
from headstart.retention.lever import Ground, Lever
from headstart.train.network import Network


class L2SP(Lever):
    """L2 penalty on the way from the starting point (Li et al. 2018, arXiv 1802.01483)."""

    name = "l2sp"
    summary = "weights pulled back to the base's"
    strength = 0.01

    def __init__(self, ground: Ground, strength: float) -> None:
        super().__init__(ground, strength)
        self.anchor = Anchor(ground.groups)

    def term(self, network: Network, batch: tuple[Batch, ...], rows: Sequence[int]) -> Tensor:
        """Return half the squared distance, times the strength."""
        return self.pull * self.anchor.distance()
