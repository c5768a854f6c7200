"""An adapted language model: answers, is saved whole, and is loaded in a fresh process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import torch

from headstart.base.decoder import Decoder
from headstart.base.device import pick_device
from headstart.base.layout import load_encoder
from headstart.base.skeleton import Skeleton
from headstart.errors import RequestError
from headstart.method.adapted import Model, Signature
from headstart.progress import Progress, Silent
from headstart.task.model import Dialogue, Input, Kind, Message
from headstart.train.evaluate import Predictions
from headstart.train.language import LanguageNetwork, nats_of
from headstart.train.windows import Windows

MOST = 256  # tokens of an answer


class SpeakerModel(Model):
    """A causal language model.

    Args:
        signature: What goes in and out.
        decoder: The weights, adapters merged.
        adapter: Folder of a peft adapter to keep beside them.
    """

    family = "speaker"

    def __init__(self, signature: Signature, decoder: Decoder, adapter: Path | None = None) -> None:
        super().__init__(signature)
        self.decoder, self.adapter = decoder, adapter

    @property
    def body(self) -> Skeleton | None:
        """The decoder."""
        return self.decoder

    def outputs(self, inputs: Sequence[Input], progress: Progress | None = None) -> Predictions:
        """Return (N, 2): nats and tokens of each text or dialogue."""
        texts = Windows(self.decoder, inputs)
        rows = range(len(texts.places))
        return nats_of(LanguageNetwork(self.decoder), texts, rows, progress=progress)

    def predict(self, inputs: Sequence[Any], progress: Progress | None = None) -> list[Any]:
        """Return what the model writes after each prompt (greedy)."""
        found = []
        with (progress or Silent()).bar("writing", len(inputs)) as advance:
            for row, item in enumerate(inputs):
                found.append("".join(self.stream(self._prompt(item, row))))
                advance(1)
        return found

    def stream(self, prompt: Dialogue | str, most: int = MOST) -> Iterator[str]:
        """Yield the answer as it is written, in pieces that are whole words."""
        decoder = self.decoder
        ids = decoder.prompt_ids(prompt)
        written: list[int] = []
        shown = ""
        for token in _greedy(decoder, ids, most):
            written.append(token)
            text = str(decoder.tokenizer.decode(written, skip_special_tokens=True))
            if not text.endswith("\N{REPLACEMENT CHARACTER}"):  # in the middle of a character
                yield text[len(shown) :]
                shown = text

    def _prompt(self, item: Any, row: int) -> Dialogue | str:
        if isinstance(item, Dialogue):
            return item
        if not isinstance(item, str):
            raise RequestError(
                f"expected a prompt, found {type(item).__name__}",
                where=f"input {row}",
                mend="pass a text",
            )
        if self.signature.kind is Kind.LANGUAGE_MODELING:
            return item
        return Dialogue((Message("user", item), Message("assistant", "")))

    def save_weights(self, folder: Path) -> dict[str, Any]:
        """Write transformers' layout, the adapter beside it."""
        self.decoder.save(folder, None, ())
        if self.adapter is not None and self.adapter.is_dir():
            shutil.copytree(self.adapter, folder / "adapter")
        return {"prompt": self.decoder.soft_prompt is not None}

    @classmethod
    def load_weights(cls, folder: Path, signature: Signature, extra: dict[str, Any]) -> Model:
        """Return the decoder in evaluation mode on the best device."""
        decoder, _, _ = load_encoder(folder)
        adapter = folder / "adapter"
        found = cast(Decoder, decoder.to(pick_device()).eval())
        if extra.get("prompt"):
            found.read_prompt(adapter)
        return cls(signature, found, adapter if adapter.is_dir() else None)


@torch.inference_mode()
def _greedy(decoder: Decoder, ids: list[int], most: int) -> Iterator[int]:
    """Yield the likeliest next tokens until the model ends its answer."""
    model: Any = decoder.causal
    end, device = decoder.end_id, decoder.device()
    with decoder.cached():
        step: dict[str, Any] = {
            "inputs_embeds": decoder.embedded(torch.tensor([ids], device=device))
        }
        past = None
        for _ in range(most):
            out = model(**step, past_key_values=past, use_cache=True, logits_to_keep=1)
            past = out.past_key_values
            token = int(out.logits[0, -1].argmax())
            if token == end:
                return
            yield token
            step = {"input_ids": torch.tensor([[token]], device=device)}
