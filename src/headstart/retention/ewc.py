"""ewc: weights are pulled back, the harder the more the retained rows depend on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from headstart.base.model import Batch
from headstart.retention.anchor import Anchor, fisher
from headstart.retention.lever import Ground, Lever
from headstart.train.network import Network

ROWS = 16  # retained rows whose gradients are taken


class EWC(Lever):
    """Elastic weight consolidation (Kirkpatrick et al. 2017, arXiv 1612.00796).

    A weight's importance is its empirical Fisher information on some retained rows.
    """

    name = "ewc"
    summary = "weights pulled back, the more so the more the retained rows need them"
    needs_rows = True
    strength = 0.01

    def __init__(self, ground: Ground, strength: float) -> None:
        super().__init__(ground, strength)
        self.anchor = Anchor(ground.groups)
        self.importance = fisher(self.anchor, list(self._gradients()))

    def term(self, network: Network, batch: tuple[Batch, ...], rows: Sequence[int]) -> Tensor:
        """Return half the weighted squared distance, times the strength."""
        return self.pull * self.anchor.distance(self.importance)

    def _gradients(self) -> Iterator[list[Tensor]]:
        """Yield the gradients of the retained rows' mean losses, one row at a time."""
        network, found = self.ground.network, self.ground.recall
        kept, recall = found.samples, found.lesson
        device = network.encoder.device()
        wanted = [weight.requires_grad for weight in self.anchor.weights]
        for weight in self.anchor.weights:
            weight.requires_grad_(True)
        try:
            network.eval()
            for row in range(min(ROWS, len(kept))):
                batch = network.collate(kept.take([row]))
                moved = tuple({k: v.to(device) for k, v in side.items()} for side in batch)
                loss = recall.loss(network, moved, [row]) / max(1.0, recall.weight([row]))
                each = torch.autograd.grad(loss, self.anchor.weights, allow_unused=True)
                yield [
                    torch.zeros_like(weight) if one is None else one
                    for one, weight in zip(each, self.anchor.weights, strict=True)
                ]
        finally:
            for weight, before in zip(self.anchor.weights, wanted, strict=True):
                weight.requires_grad_(before)
