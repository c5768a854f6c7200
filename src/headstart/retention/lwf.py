"""lwf: on the new rows, the network goes on saying what the base said of them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from headstart.base.model import Batch
from headstart.retention.lever import Lever
from headstart.train.network import Network


class LwF(Lever):
    """Learning without forgetting (Li & Hoiem 2016, arXiv 1606.09282): distillation on new rows.

    For a decoder, the divergence of its next-token distribution from the base's, a mean over the
    tokens that are said. For an encoder, whose head is new, one minus the cosine between its
    features and the base's (as in less-forgetting learning, Jung et al. 2016, arXiv 1607.00122).
    It needs no retained rows.
    """

    name = "lwf"
    summary = "kept to what the base says of the new rows"
    strength = 0.5
    factor = 4 / 3

    def term(self, network: Network, batch: tuple[Batch, ...], rows: Sequence[int]) -> Tensor:
        """Return the mean divergence, times the strength."""
        return self.pull * network.drift(self.ground.pristine, batch)
