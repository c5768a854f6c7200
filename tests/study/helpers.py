"""What the tests of studies share: hand-made arms, whole studies in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from headstart.method.model import METHODS
from headstart.progress import Silent
from headstart.study.arm import Arm
from headstart.study.record import CostRecord, TrialRecord
from headstart.study.scores import all_scores
from headstart.study.store import Store
from headstart.study.trial import Context
from headstart.task.model import Kind, Modality, Objective, Part, Task

CLOCK = ("seconds", "cpu_seconds", "energy_joule")
WORDS = {
    "sport": "goal match team league coach striker stadium referee season score",
    "food": "soup bread oven recipe butter chef dinner spice flavour kitchen",
    "money": "bank loan stock market price tax profit budget interest shares",
}
RUNNER = Path(__file__).with_name("runner.py")


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    """Return study.json without what a clock or a meter gave, and without what was typed."""
    kept: dict[str, Any] = _timeless(record)
    kept["budget"] = record["budget"]
    kept["reproduce"].pop("command")
    return kept


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in CLOCK}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def read_study(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    return found


def write_base(folder: Path) -> Path:
    """Write a random BERT of two narrow layers that knows the words of the tiny texts."""
    import torch

    from headstart.base.compat import prepare_torchvision

    prepare_torchvision()
    from transformers import BertConfig, BertModel, BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *" ".join(WORDS.values()).split()]
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
    )
    BertModel(config).save_pretrained(str(folder))
    tokenizer = BertTokenizer(vocab={word: index for index, word in enumerate(words)})
    tokenizer.save_pretrained(str(folder))
    return folder


class Runner:
    """A process with everything imported that forks one child a study, and kills it when told.

    A child starts in milliseconds, so that many kills are cheap; it dies of a real SIGKILL.
    """

    def __init__(self, warm_up: dict[str, Any]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(RUNNER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(warm_up) + "\n")

    def run(self, *studies: dict[str, Any], kill_after: float | None = None) -> list[str]:
        """Run studies at once; return for each "done", "killed", or the error it ended with."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"studies": studies, "kill_after": kill_after}) + "\n")
        self.process.stdin.flush()
        answer: list[str] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)


def text_task(validation: int = 200, test: int = 200) -> Task:
    """Return a task of two classes, one after the other, whose inputs do not matter."""
    parts = {"train": 10, "validation": validation, "test": test}
    built = {
        name: Part(
            inputs=[f"{name} {row}" for row in range(size)],
            targets=np.arange(size, dtype=np.int64) % 2,
            ids=[f"{name}{row}" for row in range(size)],
            origins=[f"{name} row {row}" for row in range(size)],
        )
        for name, size in parts.items()
    }
    return Task(
        name="made",
        kind=Kind.CLASSIFICATION,
        objective=Objective.SINGLE_LABEL,
        modality=Modality.TEXT,
        input=("text",),
        target="label",
        classes=("no", "yes"),
        fingerprint="f",
        split="made",
        **built,
    )


def context_of(folder: Path, task: Task, seeds: int = 1) -> Context:
    return Context(task, "accuracy", seeds, Store(folder), Silent())


def wrong_at(size: int, *rows: range | list[int]) -> np.ndarray:
    """Return probabilities (size, 2) that are right but for these rows."""
    targets = np.arange(size) % 2
    for span in rows:
        targets[list(span)] = 1 - targets[list(span)]
    return np.eye(2)[targets] * 0.8 + 0.1


def made_arm(
    context: Context,
    method: str,
    flop: float,
    validation: list[np.ndarray],
    test: list[np.ndarray] | None = None,
) -> Arm:
    """Return an arm that finished with these predictions, one set a seed."""
    arm = Arm(METHODS.get(method)(), None)
    for seed, found in enumerate(validation):
        both = {"validation": found, "test": found if test is None else test[seed]}
        record = TrialRecord(
            key=f"{method}-{seed}",
            base=None,
            base_revision=None,
            method=method,
            hyperparameters={},
            seed=seed,
            status="finalist",
            scores={
                part: all_scores(context.task, context.task.parts[part], [p], "accuracy")
                for part, p in both.items()
            },
            cost=CostRecord(
                seconds=1.0,
                cpu_seconds=1.0,
                flop=flop,
                peak_bytes=1,
                energy_joule=None,
                trainable_parameters=int(flop),
            ),
        )
        context.store.write_trial(record, both)
        arm.trials.append(record)
    return arm
