"""An encoder with a linear head: what every trained method trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from headstart.base.model import Batch, Encoder
from headstart.task.model import Input, Objective, Task
from headstart.train.boundary import HIDDEN, Boundary, collate_hidden
from headstart.train.linear import LinearHead

Sample = tuple[Batch, ...]  # one encoded input; two for a text pair


def combine(left: Tensor, right: Tensor) -> Tensor:
    """Return features of a pair, (N, 4 D): both sides, their distance and their product.

    Follows InferSent (Conneau et al. 2017, https://arxiv.org/abs/1705.02364, section 3.1).
    """
    return torch.cat([left, right, (left - right).abs(), left * right], dim=-1)


class Network(nn.Module):
    """Inputs → features → logits.

    Args:
        encoder: The body.
        head: Weight (C, D) and bias (C,) that follow the features; D is four times the encoder's
            width for text pairs.
        objective: Shape of a target.
        pair: Whether inputs are text pairs.

    Attributes:
        boundary: Where samples that carry hidden states enter the body.
    """

    boundary: Boundary | None = None

    def __init__(
        self, encoder: Encoder, head: LinearHead, objective: Objective, pair: bool
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.objective = objective
        self.pair = pair
        classes, width = head.weight.shape
        self.head = nn.Linear(width, classes)
        self.set_head(head)
        self.to(encoder.device())

    def set_head(self, head: LinearHead) -> None:
        """Overwrite the head's weights."""
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(np.array(head.weight, dtype=np.float32)))
            self.head.bias.copy_(torch.from_numpy(np.array(head.bias, dtype=np.float32)))

    def encode(self, inputs: Sequence[Input]) -> list[Sample]:
        """Return one sample an input, ready for :meth:`collate`."""
        if not self.pair:
            return [(sample,) for sample in self.encoder.encode(inputs)]
        left = self.encoder.encode([pair[0] for pair in inputs])  # type: ignore[index]
        right = self.encoder.encode([pair[1] for pair in inputs])  # type: ignore[index]
        return list(zip(left, right, strict=True))

    def size(self, sample: Sample) -> int:
        """Return the work of a sample in the encoder's units."""
        return sum(self.encoder.size(side) for side in sample)

    def collate(self, samples: Sequence[Sample]) -> tuple[Batch, ...]:
        """Return a batch a side."""
        return tuple(self._collate(side) for side in zip(*samples, strict=True))

    def _collate(self, samples: Sequence[Batch]) -> Batch:
        batch = self.encoder.collate(samples)
        if HIDDEN in samples[0]:
            batch[HIDDEN] = collate_hidden([sample[HIDDEN] for sample in samples], batch)
        return batch

    def forward(self, batch: tuple[Batch, ...]) -> Tensor:
        """Return logits, (N, C), or (N, W, C) one a word."""
        sides = [self._features(side) for side in batch]
        features = combine(sides[0], sides[1]) if self.pair else sides[0]
        logits: Tensor = self.head(features)
        return logits

    def drift(self, pristine: Network, batch: tuple[Batch, ...]) -> Tensor:
        """Return how far from the base it has gone on a batch: 0 for the base itself.

        One minus the cosine of its features with the base's, a mean over the inputs.

        Args:
            pristine: A network around the base's own weights.
            batch: Collated.
        """
        gone = []
        for side in batch:
            with torch.no_grad():
                before = pristine._features(side)
            gone.append(1.0 - F.cosine_similarity(self._features(side), before, dim=-1))
        return torch.stack([each.mean() for each in gone]).mean()

    def _features(self, batch: Batch) -> Tensor:
        if HIDDEN not in batch:
            return cast(Tensor, self.encoder(batch))
        assert self.boundary is not None
        return self.boundary.go_on(self.encoder, batch)


def head_shape(task: Task, width: int) -> tuple[int, int]:
    """Return (outputs, features) of a head for ``task`` on an encoder of ``width``."""
    outputs = 1 if task.objective is Objective.REAL else len(task.classes)
    return outputs, width * (4 if task.kind == "text-pair" else 1)


def random_head(task: Task, width: int, seed: int) -> LinearHead:
    """Return a head with small random weights (normal, deviation 0.02) and no bias."""
    outputs, features = head_shape(task, width)
    generator = np.random.default_rng(seed)
    weight: NDArray[np.float32] = generator.normal(0.0, 0.02, (outputs, features)).astype(
        np.float32
    )
    return LinearHead(weight=weight, bias=np.zeros(outputs, dtype=np.float32))
