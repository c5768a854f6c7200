"""An adapted language model: answers, is saved whole, and is loaded in a fresh process."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, cast

from headstart.base.decoder import Decoder
from headstart.base.device import pick_device
from headstart.base.layout import load_encoder
from headstart.base.skeleton import Skeleton
from headstart.base.virtual import read_virtual
from headstart.errors import RequestError
from headstart.method import generate
from headstart.method.adapted import Model, Signature
from headstart.method.generate import MOST, Answer, Writing
from headstart.method.shots import Shots, nats_with
from headstart.progress import Progress, Silent
from headstart.task.model import Dialogue, Input, Kind, Message
from headstart.train.evaluate import Predictions
from headstart.train.language import LanguageNetwork, nats_of
from headstart.train.windows import Windows


class SpeakerModel(Model):
    """A causal language model.

    Args:
        signature: What goes in and out.
        decoder: The weights, adapters merged.
        adapter: Folder of a peft adapter to keep beside them.
        shots: What stands before every prompt; None for nothing.
    """

    family = "speaker"

    def __init__(
        self,
        signature: Signature,
        decoder: Decoder,
        adapter: Path | None = None,
        shots: Shots | None = None,
    ) -> None:
        super().__init__(signature)
        self.decoder, self.adapter, self.shots = decoder, adapter, shots

    @property
    def body(self) -> Skeleton | None:
        """The decoder."""
        return self.decoder

    def outputs(self, inputs: Sequence[Input], progress: Progress | None = None) -> Predictions:
        """Return (N, 2): nats and tokens of each text or dialogue."""
        if self.shots is not None:
            watcher = progress or Silent()
            return nats_with(self.decoder, self.shots, inputs, watcher, "scoring")[0]
        texts = Windows(self.decoder, inputs)
        rows = range(len(texts.places))
        return nats_of(LanguageNetwork(self.decoder), texts, rows, progress=progress)

    def predict(
        self,
        inputs: Sequence[Any],
        progress: Progress | None = None,
        *,
        max_tokens: int = MOST,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Any]:
        """Return what the model writes after each prompt.

        Args:
            inputs: Texts, or dialogues whose last answer is to be written.
            progress: Who watches.
            max_tokens: Of an answer; a longer one is cut.
            temperature: 0 takes the likeliest token; above, tokens are drawn.
            seed: Of the draws.

        Raises:
            RequestError: An input is no prompt, or too long for the model.
        """
        writing = Writing(max_tokens, temperature, seed)
        return [answer.text for answer in self.answers(inputs, writing, progress)]

    def answers(
        self,
        inputs: Sequence[Any],
        writing: Writing | None = None,
        progress: Progress | None = None,
        first: int = 0,
    ) -> list[Answer]:
        """Return what is written after each prompt, and whether it was ended or cut.

        Args:
            inputs, progress: As of :meth:`predict`.
            writing: How.
            first: Number of the first input among those of the same run; draws go by it.
        """
        how, watcher = writing or Writing(), progress or Silent()
        prompts = [self._ids(one, first + at, how.max_tokens) for at, one in enumerate(inputs)]
        return generate.answers(self.decoder, prompts, how, watcher, first)

    def stream(
        self,
        prompt: Dialogue | str,
        max_tokens: int = MOST,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Generator[str, None, bool]:
        """Yield the answer as it is written, in pieces that are whole characters.

        The generator returns whether the model ended the answer, or it was cut.

        Raises:
            RequestError: The prompt is too long for the model.
        """
        ids = self._ids(prompt, 0, max_tokens)
        writing = Writing(max_tokens, temperature, seed)
        return (
            yield from generate.pieces(self.decoder, generate.written(self.decoder, ids, writing))
        )

    def _ids(self, item: Any, row: int, most: int) -> list[int]:
        """Return the tokens of a prompt, behind what stands before every one."""
        prompt, decoder = self._prompt(item, row), self.decoder
        if self.shots is None or not isinstance(prompt, Dialogue):
            return decoder.prompt_ids(prompt)
        longest = decoder.card.input_size
        longest = max(longest // 2, longest - most)  # the answer wants room, too
        whole = self.shots.before(prompt, lambda one: len(decoder.prompt_ids(one)) <= longest)
        return decoder.prompt_ids(whole)

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
        shots = {} if self.shots is None else {"shots": self.shots.record()}
        return {"prompt": self.decoder.virtual is not None, **shots}

    @classmethod
    def load_weights(cls, folder: Path, signature: Signature, extra: dict[str, Any]) -> Model:
        """Return the decoder in evaluation mode on the best device."""
        decoder, _, _ = load_encoder(folder)
        adapter = folder / "adapter"
        found = cast(Decoder, decoder.to(pick_device()).eval())
        if extra.get("prompt"):
            found.virtual = read_virtual(adapter, found.config).to(found.device())
        shots = Shots.read(extra["shots"]) if "shots" in extra else None
        return cls(signature, found, adapter if adapter.is_dir() else None, shots)
