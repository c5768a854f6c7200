"""replay: retained rows are trained on beside the new ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from headstart.base.model import Batch
from headstart.retention.lever import Ground, Lever
from headstart.train.network import Network


class Replay(Lever):
    """Experience replay (Ratcliff 1990; Rolnick et al. 2019, arXiv 1811.11682).

    The strength is the mix ratio: retained rows a new row, whose mean loss counts that much
    beside the new rows' mean loss. Which retained row goes with which new one is drawn once, so
    that a run that was killed goes on with the same pairs.
    """

    name = "replay"
    summary = "retained rows trained on beside the new ones"
    needs_rows = True
    strength = 0.25
    factor = 1.25

    def __init__(self, ground: Ground, strength: float) -> None:
        super().__init__(ground, strength)
        self._device = ground.network.encoder.device()

    def term(self, network: Network, batch: tuple[Batch, ...], rows: Sequence[int]) -> Tensor:
        """Return the mean loss of the retained rows, times the ratio."""
        kept, recall = self.ground.recall.samples, self.ground.recall.lesson
        drawn = [self._partner(row) for row in rows]
        count = max(1, round(self.pull * len(rows)))
        chosen = drawn[:count]
        found = network.collate(kept.take(chosen))
        moved = tuple({k: v.to(self._device) for k, v in side.items()} for side in found)
        mean = recall.loss(network, moved, chosen) / recall.weight(chosen)
        return self.pull * mean

    def _partner(self, row: int) -> int:
        generator = np.random.default_rng([self.ground.seed, row])
        return int(generator.integers(len(self.ground.recall.samples)))
