"""Trained weights and where they started: what penalties on the way between them share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from headstart.train.groups import Group


class Anchor:
    """The trained weights of some groups, and copies of them as they are now.

    Args:
        groups: What is trained.
    """

    def __init__(self, groups: Sequence[Group]) -> None:
        found = {id(p): p for group in groups for p in group.parameters()}
        self.weights: list[nn.Parameter] = list(found.values())
        self.starts: list[Tensor] = [weight.detach().clone() for weight in self.weights]

    def distance(self, importance: Sequence[Tensor] | None = None) -> Tensor:
        """Return half the squared distance gone, each weight's counted by its importance.

        Weights that are frozen for now have gone nowhere and are left out.
        """
        total = self.weights[0].new_zeros(())
        for at, (weight, start) in enumerate(zip(self.weights, self.starts, strict=True)):
            if not weight.requires_grad:
                continue
            squared = (weight - start).square()
            total = total + (squared if importance is None else squared * importance[at]).sum()
        return total / 2


def fisher(anchor: Anchor, gradients: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """Return the mean squared gradient of each weight, scaled to a mean of 1 over all weights.

    Scaled, a penalty that counts by it has the unit of one that counts all weights alike.

    Args:
        anchor: Which weights.
        gradients: Of some rows' losses, one list a row in the order of the weights.
    """
    sums = [torch.zeros_like(start) for start in anchor.starts]
    for each in gradients:
        for total, gradient in zip(sums, each, strict=True):
            total += gradient.square()
    count = sum(total.numel() for total in sums)
    mean = sum(float(total.sum()) for total in sums) / max(1, count)
    return [total / mean if mean > 0 else torch.ones_like(total) for total in sums]
