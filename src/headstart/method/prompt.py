"""prompt: a few trained embeddings stand before every text; the base stays as it is."""

from __future__ import annotations

from typing import Any, cast

import torch

from headstart.base.decoder import Decoder
from headstart.base.model import BaseCard
from headstart.base.virtual import SoftPrompt
from headstart.method.gradient import Ending, GradientMethod
from headstart.method.model import Hyperparameters, Setting
from headstart.task.model import Kind, Objective, Task
from headstart.train.groups import Group
from headstart.train.network import Network
from headstart.train.workbench import Workbench

TOKENS = 16
_TEXT = {
    Kind.INSTRUCTION: "Answer the question or follow the instruction, as in the examples:",
    Kind.LANGUAGE_MODELING: "The following text is from the same collection of documents:",
}


class Prompt(GradientMethod):
    """Prompt tuning, its embeddings initialised from a text (Lester et al. 2021, 2104.08691)."""

    name = "prompt"
    summary = f"{TOKENS} trained embeddings before the text"
    rates = (1e-2, 3e-2, 1e-1)
    slim = True

    def refuse(self, task: Task, card: BaseCard | None) -> str | None:
        """Only decoders on texts."""
        if task.objective is not Objective.TEXT:
            return "prompt tuning is for language models on texts"
        return None

    def extra(self) -> Hyperparameters:
        """Return the number of embeddings."""
        return {"tokens": TOKENS}

    def prepare(self, network: Network, setting: Setting) -> None:
        """Put the embeddings of a text before every sequence, repeated or cut to fit."""
        decoder = cast(Decoder, network.encoder)
        ids = first_words(decoder, setting)
        model: Any = decoder.causal
        with torch.no_grad():
            start = model.get_input_embeddings()(torch.tensor(ids, device=decoder.device()))
        decoder.virtual = SoftPrompt(start)

    def groups(self, network: Network, setting: Setting) -> list[Group]:
        """Return the embeddings."""
        virtual = cast(Decoder, network.encoder).virtual
        assert virtual is not None
        return [Group([virtual])]

    def finish(self, network: Network, setting: Setting) -> Ending:
        """Keep the embeddings as peft does."""
        decoder = cast(Decoder, network.encoder)
        assert decoder.virtual is not None
        return Ending(decoder.virtual.write(setting.folder / "adapter", decoder.config))

    def flop_factor(self, bench: Workbench) -> float:
        """One pass forward, one back to the embeddings."""
        return 2.0


def first_words(decoder: Decoder, setting: Setting) -> list[int]:
    """Return the tokens that virtual ones start as: those of a text, repeated or cut to fit."""
    count = int(setting.hyperparameters["tokens"])
    ids = decoder.prompt_ids(_TEXT[setting.task.kind])[1:]
    return (ids * (count // len(ids) + 1))[:count]
