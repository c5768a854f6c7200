"""What a network says of inputs: logits in batches of like length, and predictions from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.progress import Progress, Silent
from headstart.task.model import Objective
from headstart.train.loss import Scale
from headstart.train.network import Network
from headstart.train.samples import Samples, micro_batches

TEXT_UNITS = 2048  # tokens in an inference batch: small enough to stay in cache
IMAGE_UNITS = 16
Predictions = NDArray[np.float64] | list[NDArray[np.int64]]


def predictions_of(
    objective: Objective, logits: Sequence[Tensor], scale: Scale | None = None
) -> Predictions:
    """Return what :mod:`headstart.measure.score` scores, from one logits tensor an input.

    Args:
        objective: Shape of a target.
        logits: N tensors, (C,) each, or (W, C) for tags.
        scale: Turns a standardised real output back.
    """
    if objective is Objective.TAGS:
        return [item.argmax(-1).numpy().astype(np.int64) for item in logits]
    stacked = torch.stack(list(logits)).double()
    if objective is Objective.REAL:
        scale = scale or Scale()
        return (stacked.squeeze(-1) * scale.deviation + scale.mean).numpy()
    if objective is Objective.MULTI_LABEL:
        return stacked.sigmoid().numpy()
    return stacked.softmax(-1).numpy()


@torch.inference_mode()
def network_logits(
    network: Network,
    samples: Samples,
    rows: Sequence[int],
    words: Sequence[int] | None = None,
    progress: Progress | None = None,
    label: str = "predicting",
    dtype: torch.dtype = torch.float32,
) -> list[Tensor]:
    """Return the logits of ``rows`` on the CPU, in their order.

    Args:
        network: Put into evaluation mode.
        samples: Encoded inputs.
        rows: Which of them.
        words: Number of words of each row, for tags; words past the encoder's limit get the
            head's bias, which is its guess without evidence.
        progress: Who watches.
        label: What the bar is called.
        dtype: Of the matrix products.
    """
    network.eval()
    device = network.encoder.device()
    image = samples.sizes[rows[0]] == 1 if rows else False
    order = sorted(range(len(rows)), key=lambda index: samples.sizes[rows[index]])
    sizes = [samples.sizes[row] for row in rows]
    found: list[Tensor | None] = [None] * len(rows)
    with (progress or Silent()).bar(label, len(rows)) as advance:
        for piece in micro_batches(order, sizes, IMAGE_UNITS if image else TEXT_UNITS):
            batch = network.collate(samples.take([rows[index] for index in piece]))
            moved = tuple({k: v.to(device) for k, v in side.items()} for side in batch)
            with torch.autocast(device.type, dtype, enabled=dtype is not torch.float32):
                logits = network(moved).float().cpu()
            for index, item in zip(piece, logits, strict=True):
                found[index] = item if words is None else _fit(item, words[index], network)
            advance(len(piece))
    return [item for item in found if item is not None]


def _fit(item: Tensor, words: int, network: Network) -> Tensor:
    """Return exactly ``words`` rows of logits."""
    missing = words - len(item)
    if missing <= 0:
        return item[:words]
    return torch.cat([item, network.head.bias.detach().cpu().expand(missing, -1)])
