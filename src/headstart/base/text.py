"""Text encoders from transformers: tokens in, one vector a text (or a word) out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from headstart.base.model import BaseCard, Batch
from headstart.base.skeleton import Skeleton
from headstart.errors import RequestError
from headstart.files import canonical
from headstart.task.model import Input

Pooling = Literal["mean", "cls", "last", "pooler"]

_CHUNK = 1024  # texts a call of the tokeniser, so that long texts do not pile up in memory


class TextEncoder(Skeleton):
    """A transformers body with a fast tokenizer and a pooling.

    Args:
        card: What is known of the base.
        body: An ``AutoModel``.
        tokenizer: Its fast tokenizer; one without a padding token gets the end-of-text token.
        pooling: "mean" over the tokens, "cls" (first token), "last" token, or "pooler" (the
            body's own trained pooler).
        normalise: Whether features are scaled to length 1.
        max_length: Tokens of a text that are read, special tokens included.

    Attributes:
        word_level: Whether inputs are word tuples, so that features are one a word. ``encode``
            sets it on the first such input; ``save`` then writes a token classifier.
    """

    def __init__(
        self,
        card: BaseCard,
        body: nn.Module,
        tokenizer: Any,
        *,
        pooling: Pooling = "mean",
        normalise: bool = False,
        max_length: int = 512,
    ) -> None:
        super().__init__(card, body)
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
        tokenizer.padding_side = "right"
        self.tokenizer = tokenizer
        self.pooling: Pooling = pooling
        self.normalise = normalise
        self.max_length = max_length
        self.config: Any = cast(Any, body).config
        self.word_level = False

    def encode(self, inputs: Sequence[Input]) -> list[Batch]:
        """Return for each input its token ids.

        A text gives ``{"input_ids": (T,) int64}``. A tuple of W words also gives ``"word_ids"``,
        (W,) int64: the position of each word's first token, or -1 where truncation (or a word
        without tokens) leaves none.
        """
        self._check(inputs)
        samples: list[Batch] = []
        for chunk in _chunks(inputs):
            words = not isinstance(chunk[0], str)
            encoded = self._tokenize(chunk, truncation=True, max_length=self.max_length)
            for row, ids in enumerate(encoded["input_ids"]):
                sample = {"input_ids": torch.tensor(ids or [self.pad_id], dtype=torch.int64)}
                if words:
                    count = len(cast(Sequence[str], chunk[row]))
                    sample["word_ids"] = _first_tokens(encoded.word_ids(row), count)
                samples.append(sample)
        return samples

    def _check(self, inputs: Sequence[Input]) -> None:
        wrong = next((item for item in inputs if not isinstance(item, (str, tuple))), None)
        if wrong is not None:
            raise RequestError(
                f"{self.card.reference} reads text, found an {type(wrong).__name__}",
                mend="choose a base for images, e.g. --base bundled:efficientnet-lite0",
            )
        if any(isinstance(item, tuple) for item in inputs):
            self.word_level = True
            if not self.tokenizer.is_fast:
                raise RequestError(
                    f"{self.card.reference} has no fast tokenizer, which words need",
                    mend="choose a base with a tokenizer.json",
                )

    def _tokenize(self, texts: Sequence[Input], **options: Any) -> Any:
        split = not isinstance(texts[0], str)
        return self.tokenizer(
            [[_whole(word) for word in cast(Sequence[str], text)] for text in texts]
            if split
            else [_whole(cast(str, text)) for text in texts],
            is_split_into_words=split,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
            **options,
        )

    @property
    def pad_id(self) -> int:
        """The token that fills short texts up."""
        return int(self.tokenizer.pad_token_id or 0)

    def collate(self, samples: Sequence[Batch]) -> Batch:
        """Return ``input_ids`` and ``attention_mask`` (N, T) int64, padded to the longest.

        Word inputs also give ``word_ids`` (N, W) int64, padded with -1.
        """
        ids = [sample["input_ids"] for sample in samples]
        masks = [torch.ones_like(row) for row in ids]
        pad = nn.utils.rnn.pad_sequence
        batch = {
            "input_ids": pad(ids, batch_first=True, padding_value=self.pad_id),
            "attention_mask": pad(masks, batch_first=True, padding_value=0),
        }
        if "word_ids" in samples[0]:
            words = [sample["word_ids"] for sample in samples]
            batch["word_ids"] = pad(words, batch_first=True, padding_value=-1)
        return batch

    def forward(self, batch: Batch) -> Tensor:
        """Return features (N, width), or (N, W, width) of each word's first token.

        Words without a token (padding, cut off) have zeros.
        """
        mask = batch["attention_mask"]
        output = self.body(input_ids=batch["input_ids"], attention_mask=mask)
        hidden = output.last_hidden_state  # (N, T, width)
        if "word_ids" in batch:
            return _at_words(hidden, batch["word_ids"])
        features = output.pooler_output if self.pooling == "pooler" else self._pool(hidden, mask)
        return F.normalize(features, dim=-1) if self.normalise else cast(Tensor, features)

    def _pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        if self.pooling == "cls":
            return hidden[:, 0]
        if self.pooling == "last":
            return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(1) - 1]
        weights = mask.unsqueeze(-1).to(hidden.dtype)  # (N, T, 1)
        return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)

    def size(self, sample: Batch) -> int:
        """Return the number of tokens."""
        return len(sample["input_ids"])

    def preprocessing(self) -> str:
        """Return tokenizer hash, length and pooling as canonical JSON."""
        return canonical(
            {
                "tokenizer": tokenizer_hash(self.tokenizer),
                "max_length": self.max_length,
                "pooling": self.pooling,
                "normalise": self.normalise,
            }
        )

    def truncated(self, inputs: Sequence[Input]) -> list[int]:
        """Return for each text how many of its tokens lie beyond ``max_length``."""
        counts: list[int] = []
        for chunk in _chunks(inputs):
            lengths = [len(ids) for ids in self._tokenize(chunk, truncation=False)["input_ids"]]
            counts.extend(max(0, length - self.max_length) for length in lengths)
        return counts

    def fresh_body(self) -> nn.Module:
        """Return a new body with transformers' own initialisation."""
        from headstart.base.text_files import body_from_config

        return body_from_config(self.config, keep_pooler=self.pooling == "pooler")

    def save(self, folder: Path, head: nn.Linear | None, classes: Sequence[str]) -> None:
        """Write a folder that transformers (and sentence-transformers) loads.

        See :mod:`headstart.base.text_files` for which layout when.
        """
        from headstart.base.text_files import save_text

        save_text(self, folder, head, classes)


def _chunks(inputs: Sequence[Input]) -> Iterator[Sequence[Input]]:
    for start in range(0, len(inputs), _CHUNK):
        yield inputs[start : start + _CHUNK]


def _whole(text: str) -> str:
    """Replace halves of surrogate pairs, which no tokenizer takes, by U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _first_tokens(word_of_token: list[int | None], words: int) -> Tensor:
    """Return (words,) int64: the first position whose word is w, else -1."""
    first = torch.full((words,), -1, dtype=torch.int64)
    for position, word in reversed(list(enumerate(word_of_token))):
        if word is not None:
            first[word] = position
    return first


def _at_words(hidden: Tensor, word_ids: Tensor) -> Tensor:
    """Pick hidden (N, T, D) at word_ids (N, W); zeros where a word has no token."""
    index = word_ids.clamp(min=0).unsqueeze(-1).expand(-1, -1, hidden.shape[-1])
    return hidden.gather(1, index) * (word_ids >= 0).unsqueeze(-1)


def tokenizer_hash(tokenizer: Any) -> str:
    """Return 16 hex digits over everything that settles how a text becomes token ids."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        text = canonical(tokenizer.get_vocab())
    else:
        # Truncation and padding are state of the last call, not of the tokenizer.
        copy = type(backend).from_str(backend.to_str())
        copy.no_truncation()
        copy.no_padding()
        text = copy.to_str()
    return hashlib.sha256(text.encode()).hexdigest()[:16]
