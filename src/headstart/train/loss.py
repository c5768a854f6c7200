"""The loss of each objective, summed over items so that accumulation equals the large batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from headstart.task.model import Objective, Part

IGNORED = -100  # the class index that torch's cross_entropy leaves out


@dataclass(frozen=True, slots=True)
class Scale:
    """How a real target is brought to mean 0 and deviation 1 while training."""

    mean: float = 0.0
    deviation: float = 1.0


def target_scale(part: Part, objective: Objective) -> Scale:
    """Return the scale of the targets; the identity unless they are real numbers."""
    if objective is not Objective.REAL:
        return Scale()
    values = np.asarray(part.targets, dtype=np.float64)
    return Scale(float(values.mean()), float(values.std()) or 1.0)


def class_weights(part: Part, objective: Objective, classes: int) -> NDArray[np.float64] | None:
    """Return weights (C,) inversely proportional to class frequency, mean 1 over the items.

    Absent classes get weight 1. None unless each item has exactly one label.
    """
    if objective is not Objective.SINGLE_LABEL:
        return None
    counts = np.bincount(np.asarray(part.targets), minlength=classes).astype(np.float64)
    present = counts > 0
    weights = np.ones(classes)
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights


def batch_targets(part: Part, rows: list[int], objective: Objective, scale: Scale) -> Tensor:
    """Return the targets of ``rows``: (N,), (N, C), or (N, W) padded with :data:`IGNORED`."""
    if isinstance(part.targets, list):
        tags = [torch.from_numpy(part.targets[row]) for row in rows]
        return torch.nn.utils.rnn.pad_sequence(tags, batch_first=True, padding_value=IGNORED)
    values = torch.from_numpy(np.ascontiguousarray(part.targets[rows]))
    if objective is Objective.REAL:
        return ((values - scale.mean) / scale.deviation).float()
    return values


def loss_sum(
    objective: Objective, logits: Tensor, targets: Tensor, weight: Tensor | None = None
) -> Tensor:
    """Return the loss summed over items; divided by :func:`weight_sum` it is the mean loss.

    Args:
        objective: Shape of a target.
        logits: (N, C) or (N, W, C).
        targets: See :func:`batch_targets`.
        weight: (C,) class weights for single-label targets.
    """
    if objective is Objective.REAL:
        return F.mse_loss(logits.squeeze(-1), targets, reduction="sum")
    if objective is Objective.MULTI_LABEL:
        return F.binary_cross_entropy_with_logits(logits, targets.float(), reduction="sum")
    if objective is Objective.TAGS:
        words = min(logits.shape[1], targets.shape[1])  # words past the encoder's limit are cut
        logits, targets = logits[:, :words].flatten(0, 1), targets[:, :words].flatten()
    return F.cross_entropy(logits, targets, weight=weight, reduction="sum", ignore_index=IGNORED)


def weight_sum(objective: Objective, targets: Tensor, weight: Tensor | None = None) -> float:
    """Return the summed weight of the items that :func:`loss_sum` adds up."""
    if objective is Objective.REAL:
        return float(len(targets))
    if objective is Objective.MULTI_LABEL:
        return float(targets.numel())
    kept = targets[targets != IGNORED]
    return float(weight[kept].sum()) if weight is not None else float(len(kept))
