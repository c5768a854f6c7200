"""Write text with a decoder: the likeliest token each time, or one drawn by its probability."""

from __future__ import annotations

import inspect
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from headstart.base.decoder import Decoder
from headstart.errors import RequestError
from headstart.progress import Progress

MOST = 256  # tokens of an answer
_ROWS, _TOKENS = 16, 8192  # prompts written at once, and their tokens with the answers
# Batches round differently (SmolLM2's logits by some 1e-6 of the largest): a lead of the likeliest
# token that is less than this, of the largest logit or of 1, could be lost alone, so such a row is
# written alone.
_LEAD = 1e-4


@dataclass(frozen=True, slots=True)
class Writing:
    """How an answer is written.

    Attributes:
        max_tokens: Of an answer.
        temperature: 0 takes the likeliest token; above, one is drawn from the distribution whose
            logits are divided by it.
        seed: Of the draws.

    Raises:
        RequestError: A value makes no sense.
    """

    max_tokens: int = MOST
    temperature: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise RequestError(
                f"an answer of {self.max_tokens} tokens is none",
                where="--max-tokens",
                mend="give 1 or more",
            )
        if not 0 <= self.temperature < float("inf"):
            raise RequestError(
                f"the temperature is {self.temperature}",
                where="--temperature",
                mend="give 0 (the likeliest token) or more; 1 draws as learnt",
            )

    def generator(self, row: int) -> torch.Generator:
        """Return what draws the tokens of a row."""
        return torch.Generator().manual_seed(abs(self.seed) * 1_000_003 + row)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was written: its text, and whether the model ended it before it was cut."""

    text: str
    ended: bool


def room(decoder: Decoder, ids: Sequence[int], most: int) -> int:
    """Return how many tokens can follow ``ids``, at most ``most``.

    Raises:
        RequestError: The prompt alone is longer than what the base reads.
    """
    longest = getattr(decoder.config, "max_position_embeddings", None)
    if longest is None:
        return most
    left = int(longest) - decoder.before - len(ids)
    if left < 1:
        raise RequestError(
            f"the prompt has {len(ids):,} tokens, and the model reads "
            f"{int(longest) - decoder.before:,} with its answer",
            mend="shorten the prompt",
        )
    return min(most, left)


@torch.inference_mode()
def written(decoder: Decoder, ids: Sequence[int], writing: Writing, row: int = 0) -> Iterator[int]:
    """Yield tokens as they are written; the last is one that ends the answer, unless it is cut.

    Raises:
        RequestError: The prompt is too long.
    """
    left = room(decoder, ids, writing.max_tokens)
    model: Any = decoder.causal
    ends, device = decoder.end_ids, decoder.device()
    generator = writing.generator(row)
    step: dict[str, Any] = {"inputs_embeds": decoder.embedded(torch.tensor([ids], device=device))}
    past = decoder.past(1)
    with decoder.cached():
        for _ in range(left):
            out = model(**step, past_key_values=past, use_cache=True, logits_to_keep=1)
            past = out.past_key_values
            token = _picked(out.logits[0, -1], writing.temperature, generator)
            yield token
            if token in ends:
                return
            step = {"input_ids": torch.tensor([[token]], device=device)}


def _picked(logits: Tensor, temperature: float, generator: torch.Generator) -> int:
    if not temperature:
        return int(logits.argmax())
    chances = torch.softmax(logits.double().cpu() / temperature, dim=0)
    return int(torch.multinomial(chances, 1, generator=generator))


def pieces(decoder: Decoder, tokens: Iterator[int]) -> Generator[str, None, bool]:
    """Yield the text of ``tokens`` in pieces, none of which ends within a character.

    The generator returns whether the answer was ended, not cut.
    """
    found: list[int] = []
    shown = text = ""
    ends, ended = decoder.end_ids, False
    for token in tokens:
        if token in ends:
            ended = True
            break
        found.append(token)
        text = text_of(decoder, found)
        if not text.endswith("\N{REPLACEMENT CHARACTER}"):
            yield text[len(shown) :]
            shown = text
    if text != shown:  # it was cut within a character
        yield text[len(shown) :]
    return ended


def text_of(decoder: Decoder, tokens: Sequence[int]) -> str:
    """Return the text of tokens, special ones left out."""
    return str(decoder.tokenizer.decode(list(tokens), skip_special_tokens=True))


def answers(
    decoder: Decoder,
    prompts: Sequence[Sequence[int]],
    writing: Writing,
    progress: Progress,
    first: int = 0,
) -> list[Answer]:
    """Return the answer to each prompt (its tokens); those of a greedy batch as if alone.

    Args:
        decoder: Writes.
        prompts: N times the tokens of a prompt.
        writing: How.
        progress: Who watches.
        first: Number of the first prompt; draws go by it.

    Raises:
        RequestError: A prompt is too long; nothing was written.
    """
    limits = [room(decoder, ids, writing.max_tokens) for ids in prompts]
    found: list[list[int]] = [[] for _ in prompts]
    alone = bool(writing.temperature) or not _takes_positions(decoder)
    with progress.bar("writing", len(prompts)) as advance:
        for rows in _groups([len(ids) for ids in prompts], limits):
            unsure = list(range(len(rows)))
            if len(rows) > 1 and not alone:
                together, unsure = _together(
                    decoder, [prompts[row] for row in rows], [limits[row] for row in rows]
                )
                for row, tokens in zip(rows, together, strict=True):
                    found[row] = tokens
            for row in (rows[at] for at in unsure):
                found[row] = list(written(decoder, prompts[row], writing, first + row))
            advance(len(rows))
    return [_answer(decoder, tokens) for tokens in found]


def _answer(decoder: Decoder, tokens: list[int]) -> Answer:
    ended = bool(tokens) and tokens[-1] in decoder.end_ids
    return Answer(text_of(decoder, tokens[:-1] if ended else tokens), ended)


def _takes_positions(decoder: Decoder) -> bool:
    model: Any = decoder.causal
    return "position_ids" in inspect.signature(model.forward).parameters


def _groups(lengths: Sequence[int], limits: Sequence[int]) -> list[list[int]]:
    """Return rows that are written together, alike in length."""
    groups: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        last = groups[-1] if groups else []
        size = lengths[row] + max(limits[one] for one in [*last, row])
        if last and len(last) < _ROWS and size * (len(last) + 1) <= _TOKENS:
            last.append(row)
        else:
            groups.append([row])
    return groups


@torch.inference_mode()
def _together(
    decoder: Decoder, prompts: Sequence[Sequence[int]], limits: Sequence[int]
) -> tuple[list[list[int]], list[int]]:
    """Return the likeliest tokens after each prompt, and the rows that are to be written alone."""
    model: Any = decoder.causal
    ends = decoder.end_ids
    embedded, mask = _left_padded(decoder, prompts)
    past = decoder.past(len(prompts))
    ahead = 0 if past is None else decoder.before
    positions = (mask.cumsum(1) - 1).clamp(min=0) + ahead
    mask = torch.cat([mask.new_ones(len(prompts), ahead), mask], dim=1)
    step: dict[str, Any] = {"inputs_embeds": embedded}
    found: list[list[int]] = [[] for _ in prompts]
    open_rows, unsure = set(range(len(prompts))), set()
    with decoder.cached():
        while open_rows:
            out = model(
                **step, attention_mask=mask, position_ids=positions, past_key_values=past,
                use_cache=True, logits_to_keep=1,
            )  # fmt: skip
            past = out.past_key_values
            logits = out.logits[:, -1].float()  # (N, V)
            best = logits.topk(2).values
            close = best[:, 0] - best[:, 1] < _LEAD * logits.abs().amax(1).clamp(min=1)
            picked = logits.argmax(1)
            for row, token in enumerate(picked.tolist()):
                if row not in open_rows:
                    continue
                found[row].append(token)
                if bool(close[row]):
                    unsure.add(row)
                if row in unsure or token in ends or len(found[row]) == limits[row]:
                    open_rows.discard(row)
            step = {"input_ids": picked.unsqueeze(1)}
            mask = torch.cat([mask, mask.new_ones(len(prompts), 1)], dim=1)
            positions = positions[:, -1:] + 1
    return found, sorted(unsure)


def _left_padded(decoder: Decoder, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Return embeddings (N, T, D) that end together, and the mask (N, T) of what is no padding."""
    device = decoder.device()
    rows = [decoder.embedded(torch.tensor([list(ids)], device=device))[0] for ids in prompts]
    longest = max(map(len, rows))
    embedded = torch.stack([torch.cat([row.new_zeros(longest - len(row), row.shape[1]), row])
                            for row in rows])  # fmt: skip
    mask = torch.stack([torch.arange(longest, device=device) >= longest - len(row)
                        for row in rows]).long()  # fmt: skip
    return embedded, mask
