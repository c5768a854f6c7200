"""How far one decoder's next-token distribution is from another's."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from headstart.base.decoder import IGNORED, Decoder
from headstart.base.model import Batch

ROWS = 256  # tokens whose logits exist at a time


def divergence(decoder: Decoder, base: Decoder, batch: Batch) -> Tensor:
    """Return KL(base ‖ decoder) in nats, a mean over the tokens that a batch says.

    Args:
        decoder: Is trained.
        base: Is not.
        batch: Collated, on the device of both.
    """
    said = batch["labels"][0] != IGNORED
    found = decoder.states(batch)[said]
    with torch.no_grad():
        before = base.states(batch)[said]
    weights = decoder.output_weight(), base.output_weight().detach()
    total = found.new_zeros((), dtype=torch.float32)
    for begin in range(0, len(found), ROWS):
        part = slice(begin, begin + ROWS)
        piece = checkpoint(_divergence, found[part], before[part], *weights, use_reentrant=False)
        total = total + cast(Tensor, piece)
    return total / max(1, len(found))


def _divergence(found: Tensor, before: Tensor, weight: Tensor, base: Tensor) -> Tensor:
    told = (found @ weight.to(found.dtype).T).float().log_softmax(1)
    said = (before @ base.to(before.dtype).T).float().log_softmax(1)
    return F.kl_div(told, said, log_target=True, reduction="sum")
