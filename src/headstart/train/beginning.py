"""Losses of sequences that begin alike: what they share is read once, its keys and values kept."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from headstart.base.decoder import IGNORED, Decoder
from headstart.base.model import Batch
from headstart.progress import Advance
from headstart.train.language import CEILING
from headstart.train.samples import micro_batches

_HELD = 16  # times the tokens that are read at once: those whose keys and values are held


@torch.inference_mode()
def nats_after_beginning(
    decoder: Decoder, samples: Sequence[Batch], advance: Advance
) -> tuple[NDArray[np.float64], int]:
    """Return (N, 2) nats and tokens of sequences, and how many tokens were read.

    The numbers are those of :func:`headstart.train.language.nats_of`. Examples before every
    question are read once in place of N times.

    Args:
        decoder: Without a soft prompt.
        samples: N encoded sequences, each of which says something.
        advance: Is told of each that is done.
    """
    shared = _shared(samples)
    nats = np.zeros((len(samples), 2))
    sizes = [len(sample["input_ids"]) - shared for sample in samples]
    with decoder.cached():
        past = _read(decoder, samples[0]["input_ids"][:shared])
        for piece in _pieces(sizes, shared, decoder.device().type):
            nats[piece] = _losses(decoder, [samples[at] for at in piece], shared, past)
            advance(len(piece))
    return nats, shared + sum(sizes)


def _shared(samples: Sequence[Batch]) -> int:
    """Return how many tokens all begin with, up to the one that predicts the first said."""
    first = samples[0]["input_ids"]
    count = len(first)
    for sample in samples:
        said = int((sample["labels"] != IGNORED).nonzero()[0])
        count = min(count, said, len(sample["input_ids"]))
        differs = (sample["input_ids"][:count] != first[:count]).nonzero()
        count = int(differs[0]) if len(differs) else count
    return count


def _body(decoder: Decoder) -> Any:
    model: Any = decoder.causal
    return getattr(model, model.base_model_prefix)


def _read(decoder: Decoder, ids: Tensor) -> Any:
    """Return the keys and values of the beginning; None if there is none."""
    if not len(ids):
        return None
    found = _body(decoder)(input_ids=ids.to(decoder.device()).unsqueeze(0), use_cache=True)
    return found.past_key_values


def _pieces(sizes: Sequence[int], shared: int, device: str) -> list[list[int]]:
    """Return rows that are read together: bounded in their tokens and in what is held."""
    ceiling = CEILING[device != "cpu"]
    most = max(1, _HELD * ceiling // (shared + max(sizes)))
    pieces = micro_batches(list(range(len(sizes))), sizes, ceiling)
    return [piece[at : at + most] for piece in pieces for at in range(0, len(piece), most)]


def _losses(
    decoder: Decoder, samples: Sequence[Batch], shared: int, past: Any
) -> NDArray[np.float64]:
    """Return (n, 2) nats and tokens; padding at the end is seen by nothing before it."""
    device = decoder.device()
    held = copy.deepcopy(past)
    if held is not None:
        held.batch_repeat_interleave(len(samples))
    ids, labels = (
        pad_sequence([sample[name][shared:] for sample in samples], True, fill).to(device)
        for name, fill in (("input_ids", 0), ("labels", IGNORED))
    )
    hidden = _body(decoder)(input_ids=ids, past_key_values=held, use_cache=True).last_hidden_state
    said = labels != IGNORED  # (n, T)
    losses = decoder.losses(hidden[said], labels[said]).double().cpu().numpy()
    owners = said.nonzero()[:, 0].cpu().numpy()
    found = np.zeros((len(samples), 2))
    np.add.at(found[:, 0], owners, losses)
    found[:, 1] = said.sum(1).cpu().numpy()
    return found
