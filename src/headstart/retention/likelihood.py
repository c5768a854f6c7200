"""What continuations of contexts cost a decoder, many in one pass.

Tokens and what is cut are those of lm-eval, so that scores are its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.base.decoder import IGNORED, Decoder
from headstart.base.model import Batch
from headstart.errors import RequestError
from headstart.progress import Progress
from headstart.train.language import CEILING
from headstart.train.samples import micro_batches

Pair = tuple[list[int], list[int]]  # tokens of a context, and those of what continues it

_ROWS = 256  # tokens whose logits exist at a time


def paired(decoder: Decoder, context: str, continuation: str) -> Pair:
    """Return the tokens of a context and of its continuation; neither is empty.

    They are those of the joined text, cut where the context's own tokens end. Spaces at the end
    of the context belong to the continuation. An empty context is the prefix token.
    """
    if not context:
        told = decoder.tokenizer.encode(continuation, add_special_tokens=False)
        return ([decoder.prefix_id], told) if told[:1] != [decoder.prefix_id] else _cut(told, 1)
    whole = _tokens(decoder, context + continuation)
    read = len(_tokens(decoder, context.rstrip()))
    return _cut(whole, read) if read else ([decoder.prefix_id], whole)


def likelihoods(
    decoder: Decoder, pairs: Sequence[Pair], progress: Progress, label: str
) -> NDArray[np.float64]:
    """Return (N, 2): a continuation's log-likelihood in nats, and 1 where greedy choice says it.

    Args:
        decoder: Put into evaluation mode; products are in the weights' precision.
        pairs: N contexts and continuations. Too long a context loses its beginning.
        progress: Who watches.
        label: What the bar is called.

    Raises:
        RequestError: A continuation has no tokens, or more than the decoder reads.
    """
    decoder.eval()
    samples = [_sample(decoder, pair) for pair in pairs]
    sizes = [decoder.size(sample) for sample in samples]
    found = np.zeros((len(samples), 2))
    device = decoder.device()
    ceiling = CEILING[device.type != "cpu"]
    with torch.inference_mode(), progress.bar(label, len(samples)) as advance:
        for piece in micro_batches(list(range(len(samples))), sizes, ceiling):
            batch = decoder.collate([samples[at] for at in piece])
            told = _told(decoder, {name: one.to(device) for name, one in batch.items()})
            found[piece] = told.cpu().numpy()
            advance(len(piece))
    return found


def _tokens(decoder: Decoder, text: str) -> list[int]:
    """Return the tokens with those that the tokenizer adds, but for a prefix that is there."""
    prefix = decoder.tokenizer.decode([decoder.prefix_id])
    found: list[int] = decoder.tokenizer.encode(
        text, add_special_tokens=not text.startswith(prefix)
    )
    return found


def _cut(tokens: list[int], at: int) -> Pair:
    return tokens[:at], tokens[at:]


def _sample(decoder: Decoder, pair: Pair) -> Batch:
    context, continuation = pair
    longest = decoder.card.input_size
    if not 0 < len(continuation) <= longest:
        raise RequestError(
            f"what is to be scored has {len(continuation):,} tokens; {decoder.card.reference} "
            f"scores 1 to {longest:,}",
            where="--retain",
            mend="leave the row out, or choose another base",
        )
    sequence = torch.tensor([*context, *continuation][-longest - 1 :], dtype=torch.int64)
    labels = sequence[1:].clone()
    labels[: -len(continuation)] = IGNORED
    return {"input_ids": sequence[:-1], "labels": labels}


def _told(decoder: Decoder, batch: Batch) -> Tensor:
    """Return (N, 2), float64: log-likelihoods, and whether all tokens are the likeliest."""
    labels, lengths = batch["labels"][0], batch["lengths"]
    said = labels != IGNORED
    states, targets = decoder.states(batch)[said], labels[said]
    weight = decoder.output_weight()
    owner = torch.repeat_interleave(torch.arange(len(lengths), device=labels.device), lengths)
    found = torch.zeros((len(lengths), 2), dtype=torch.float64, device=labels.device)
    missed = torch.zeros(len(lengths), dtype=torch.float64, device=labels.device)
    for begin in range(0, len(targets), _ROWS):
        part = slice(begin, begin + _ROWS)
        logits = (states[part] @ weight.T).float().log_softmax(1)
        picked = logits.gather(1, targets[part].unsqueeze(1)).squeeze(1)
        wrong = logits.argmax(1) != targets[part]
        rows = owner[said][part]
        found[:, 0].index_add_(0, rows, picked.double())
        missed.index_add_(0, rows, wrong.double())
    found[:, 1] = missed == 0
    return found
