"""What a batch's loss is: the weight of its items, and what the network loses on them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from headstart.base.decoder import IGNORED
from headstart.base.model import Batch
from headstart.task.model import Objective, Part
from headstart.train.loss import Scale, batch_targets, class_weights, loss_sum, weight_sum
from headstart.train.network import Network
from headstart.train.samples import Samples


class Lesson(ABC):
    """Tells the loss of training rows.

    The losses of a batch's pieces, divided by the weight of the whole batch, add up to its mean:
    so accumulation equals the large batch.
    """

    @abstractmethod
    def weight(self, rows: Sequence[int]) -> float:
        """Return the summed weight of the items in ``rows``."""

    @abstractmethod
    def loss(self, network: Network, batch: tuple[Batch, ...], rows: Sequence[int]) -> Tensor:
        """Return the loss summed over the items of ``batch``, the collated ``rows``."""


class Labels(Lesson):
    """Targets are classes, tags or numbers, told from logits.

    Args:
        part: The training rows.
        objective: Shape of a target.
        scale: Of real targets.
        classes: To weigh by inverse frequency; 0 for no weights.
    """

    def __init__(self, part: Part, objective: Objective, scale: Scale, classes: int = 0) -> None:
        self.part, self.objective, self.scale = part, objective, scale
        weights = class_weights(part, objective, classes) if classes else None
        self.each = None if weights is None else torch.from_numpy(weights).float()

    def weight(self, rows: Sequence[int]) -> float:
        """Return the rows' count, weighted by class where asked."""
        return weight_sum(self.objective, self._targets(rows), self.each)

    def loss(self, network: Network, batch: tuple[Batch, ...], rows: Sequence[int]) -> Tensor:
        """Return the objective's loss; logits are scored in float32."""
        logits = network(batch).float()
        each = None if self.each is None else self.each.to(logits.device)
        targets = self._targets(rows).to(logits.device)
        with torch.autocast(logits.device.type, enabled=False):
            return loss_sum(self.objective, logits, targets, each)

    def _targets(self, rows: Sequence[int]) -> Tensor:
        return batch_targets(self.part, list(rows), self.objective, self.scale)


class Sayings(Lesson):
    """Targets are the tokens that are to be said.

    Args:
        samples: The training sequences, with their labels.
    """

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def weight(self, rows: Sequence[int]) -> float:
        """Return the number of tokens to be said."""
        found = (sample[0]["labels"] for sample in self.samples.take(rows))
        return float(sum(int((labels != IGNORED).sum()) for labels in found))

    def loss(self, network: Network, batch: tuple[Batch, ...], rows: Sequence[int]) -> Tensor:
        """Return the sequences' losses in nats, summed."""
        found: Tensor = network(batch).sum()
        return found
