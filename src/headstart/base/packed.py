"""Attention over sequences that lie end to end in one row: none sees another.

Registered with transformers under :data:`PACKED`. A model that is called with ``cu_seq_lens_q``,
the places (N + 1,) where sequences begin and the last ends, attends within each of them; nothing
is padded and no mask is built. The same argument reaches flash attention on a GPU.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PACKED = "headstart_packed"


def register() -> None:
    """Make :data:`PACKED` known to transformers; again does nothing."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(PACKED, attend)
    AttentionMaskInterface.register(PACKED, _no_mask)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    cu_seq_lens_q: Tensor | None = None,
    prefix: Tensor | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Return causal attention (1, T, H, D) of query (1, H, T, D) within each sequence.

    Key and value may have fewer heads, each shared by as many of the query's. Every token of
    every sequence also sees the layer's own of ``prefix``, (L, 2, H, P, D) keys and values.
    """
    assert cu_seq_lens_q is not None, "call the model with cu_seq_lens_q"
    shared = key.shape[1] != query.shape[1]
    every = None if prefix is None else prefix[cast(int, module.layer_idx)].to(key.dtype)
    found = []
    for begin, end in pairwise(cu_seq_lens_q.tolist()):
        keys, values, seen = key[:, :, begin:end], value[:, :, begin:end], None
        if every is not None:
            keys, values = (
                torch.cat([one.unsqueeze(0), own], dim=2)
                for one, own in zip(every, (keys, values), strict=True)
            )
            before, size = every.shape[2], end - begin
            seen = query.new_ones(size, before + size, dtype=torch.bool).tril(before)
        found.append(
            F.scaled_dot_product_attention(
                query[:, :, begin:end],
                keys,
                values,
                attn_mask=seen,
                is_causal=seen is None,
                scale=scaling,
                dropout_p=dropout if module.training else 0.0,
                enable_gqa=shared,
            )
        )
    return torch.cat(found, dim=2).transpose(1, 2), None


def _no_mask(*args: Any, **kwargs: Any) -> None:
    return None
