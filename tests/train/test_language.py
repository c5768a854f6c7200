"""A language model in training: pieces add up to the batch, and losses fall as the Trainer's do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from headstart.base import reference
from headstart.base.compat import prepare_torchvision
from headstart.base.decoder import Decoder
from headstart.progress import Silent
from headstart.task.model import Dialogue, Message
from headstart.train.groups import depth_groups
from headstart.train.guard import Ceiling
from headstart.train.language import LanguageNetwork, nats_of
from headstart.train.lesson import Sayings
from headstart.train.loop import Trainer
from headstart.train.place import Place
from headstart.train.recipe import Recipe
from headstart.train.windows import Windows
from tests.speakers import write_base

RATE, STEPS = 3e-3, 12
WORDS = ["fox", "dog", "best", "worst", "times", "lazy", "1", "2", "3"]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    prepare_torchvision(say=False)
    return write_base(tmp_path_factory.mktemp("language") / "base")


@pytest.fixture(scope="module")
def dialogues():
    """Prompts and answers of many lengths."""
    generator = np.random.default_rng(0)

    def words(count: int) -> str:
        return " ".join(generator.choice(WORDS, count))

    return [
        Dialogue((Message("user", words(1 + row % 5)), Message("assistant", words(1 + 2 * row))))
        for row in range(8)
    ]


def ours(decoder: Decoder, dialogues: list[Dialogue], units: int, batch: int) -> list[float]:
    """Return the loss of each step of full fine-tuning."""
    network = LanguageNetwork(decoder)
    samples = Windows(decoder, dialogues)
    run = Trainer(
        network=network,
        groups=depth_groups(network),
        recipe=Recipe(
            rate=RATE, steps=STEPS, batch=batch, weight_decay=0.0, warmup=0.0, shape="constant",
            evaluations=STEPS, patience=STEPS,
        ),
        lesson=Sayings(samples),
        samples=samples,
        validate=lambda: (0.0, 0.0),
        seed=0,
        place=Place(None, Ceiling(units), Silent()),
    ).fit()  # fmt: skip
    return [point.loss for point in run.points if point.loss is not None]


def trainers(decoder: Decoder, dialogues: list[Dialogue], folder: str) -> list[float]:
    """Return the same of transformers' Trainer, whose batches are padded."""
    from transformers import Trainer as Peer
    from transformers import TrainerCallback, TrainingArguments

    rows = decoder.encode(dialogues)

    def collate(picked: list[Any]) -> dict[str, Any]:
        shape = (len(picked), max(len(row["input_ids"]) for row in picked) + 1)
        ids, mask = torch.zeros(shape, dtype=torch.int64), torch.zeros(shape, dtype=torch.int64)
        labels = torch.full(shape, -100)
        for place, row in enumerate(picked):
            size = len(row["input_ids"])
            ids[place, :size] = row["input_ids"]
            labels[place, 1 : size + 1] = row["labels"]  # the model shifts them back
            mask[place, :size] = 1
        return {"input_ids": ids, "labels": labels, "attention_mask": mask}

    losses: list[float] = []

    class Log(TrainerCallback):
        def on_log(self, *args: Any, logs: dict[str, float], **kwargs: Any) -> None:
            if "loss" in logs:
                losses.append(logs["loss"])

    arguments = TrainingArguments(
        folder, per_device_train_batch_size=len(rows), learning_rate=RATE, max_steps=STEPS,
        lr_scheduler_type="constant", weight_decay=0.0, max_grad_norm=1.0, use_cpu=True,
        report_to=[], logging_strategy="steps", logging_steps=1, disable_tqdm=True,
        save_strategy="no", remove_unused_columns=False,
    )  # fmt: skip
    with decoder.cached():
        Peer(
            model=decoder.causal, args=arguments, train_dataset=rows, data_collator=collate,
            callbacks=[Log()],
        ).train()  # fmt: skip
    return losses


def test_the_loss_falls_as_the_trainers_does(base, dialogues, tmp_path):
    own = ours(reference.load_decoder(base), dialogues, 4096, len(dialogues))
    peer = trainers(reference.load_decoder(base), dialogues, str(tmp_path))
    assert own[-1] < 0.7 * own[0]
    np.testing.assert_allclose(own, peer, rtol=2e-3)


def test_pieces_that_fit_in_memory_train_as_the_whole_batch_does(base, dialogues):
    whole = ours(reference.load_decoder(base), dialogues, 4096, 4)
    pieces = ours(reference.load_decoder(base), dialogues, 1, 4)  # one text at a time
    np.testing.assert_allclose(pieces, whole, rtol=1e-4)


def test_texts_read_together_cost_what_they_cost_alone(base, dialogues):
    decoder = reference.load_decoder(base).eval()
    network, texts = LanguageNetwork(decoder), Windows(decoder, dialogues)
    together = nats_of(network, texts, range(len(dialogues)))
    alone = np.concatenate([nats_of(network, texts, [row]) for row in range(len(dialogues))])
    np.testing.assert_allclose(together, alone, rtol=1e-5)
