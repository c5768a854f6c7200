"""A toy encoder of letters, and a trainer on it: the whole loop in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from headstart.base.model import Batch, Encoder
from headstart.measure.score import score
from headstart.progress import Silent
from headstart.task.model import Objective, Part
from headstart.train.evaluate import network_logits, predictions_of
from headstart.train.groups import depth_groups
from headstart.train.guard import Ceiling
from headstart.train.lesson import Labels
from headstart.train.linear import LinearHead
from headstart.train.loop import Trainer
from headstart.train.loss import Scale, batch_targets, loss_sum, target_scale, weight_sum
from headstart.train.network import Network
from headstart.train.place import Place
from headstart.train.recipe import Recipe
from headstart.train.samples import Samples

WIDTH = 8
SINGLE = Objective.SINGLE_LABEL


class Layer(nn.Module):
    def __init__(self, dropout: float, batch_norm: bool) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)
        self.norm = nn.BatchNorm1d(WIDTH) if batch_norm else nn.LayerNorm(WIDTH)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden + self.dropout(torch.tanh(self.norm(self.linear(hidden))))


class Body(nn.Module):
    """Letters are embedded, averaged, and go through three layers."""

    def __init__(self, dropout: float, batch_norm: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(27, WIDTH, padding_idx=0)
        self.layers = nn.ModuleList(Layer(dropout, batch_norm) for _ in range(3))

    def forward(self, ids: Tensor) -> Tensor:
        found = (ids > 0).sum(1, keepdim=True)  # (N, 1)
        hidden = self.embedding(ids).sum(1) / found  # (N, D)
        for layer in self.layers:
            hidden = layer(hidden)
        return hidden


class Letters(Encoder):
    """Reads a text as its letters; refuses more than ``room`` of them at once, as a full GPU."""

    def __init__(self, dropout: float = 0.0, batch_norm: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = Body(dropout, batch_norm)
        self.room: int | None = None
        self.asked: list[int] = []

    @property
    def body(self) -> nn.Module:
        return self.inner

    def encode(self, inputs: Sequence[object]) -> list[Batch]:
        return [{"ids": torch.tensor([ord(c) - 96 for c in str(text)])} for text in inputs]

    def collate(self, samples: Sequence[Batch]) -> Batch:
        rows = [sample["ids"] for sample in samples]
        return {"ids": nn.utils.rnn.pad_sequence(rows, batch_first=True)}

    def forward(self, batch: Batch) -> Tensor:
        units = batch["ids"].numel()
        if self.training_step():
            self.asked.append(units)
            if self.room is not None and units > self.room:
                raise torch.OutOfMemoryError("toy memory is full")
        return self.inner(batch["ids"])

    def training_step(self) -> bool:
        return torch.is_grad_enabled() and not torch.is_inference_mode_enabled()

    def size(self, sample: Batch) -> int:
        return len(sample["ids"])


def words(rows: int, seed: int = 0) -> Part:
    """Texts of 3 to 9 letters; the class is whether a, b or c is in them most."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, 3, rows)
    texts = []
    for target in targets:
        noise = generator.integers(3, 26, generator.integers(1, 6))
        letters = [target] * int(generator.integers(2, 4)) + noise.tolist()
        texts.append("".join(chr(97 + int(letter)) for letter in letters))
    return Part(texts, targets.astype(np.int64), texts, [f"row {row}" for row in range(rows)])


def as_objective(part: Part, objective: Objective) -> Part:
    """The same rows with targets of another shape: one-hot, or a number far from 0."""
    classes = np.asarray(part.targets)
    if objective is Objective.MULTI_LABEL:
        return Part(part.inputs, np.eye(3, dtype=np.float32)[classes], part.ids, part.origins)
    if objective is Objective.REAL:
        return Part(part.inputs, 2000.0 + 10.0 * classes, part.ids, part.origins)
    return part


class Validation:
    """Scores the network; remembers each score, and can be told what to answer."""

    def __init__(self, network: Network, part: Part, scale: Scale) -> None:
        self.network, self.part, self.scale = network, part, scale
        self.samples = Samples(network.encode, network.size, part.inputs)
        self.answers: list[float] = []
        self.seen: list[tuple[float, dict[str, Tensor]]] = []

    def __call__(self) -> tuple[float, float]:
        objective = self.network.objective
        rows = list(range(len(self.part)))
        logits = network_logits(self.network, self.samples, rows)
        targets = batch_targets(self.part, rows, objective, self.scale)
        loss = float(loss_sum(objective, torch.stack(logits), targets))
        loss /= weight_sum(objective, targets)
        metric = {SINGLE: "accuracy", Objective.REAL: "r2"}.get(objective, "micro_f1")
        found = predictions_of(objective, logits, self.scale)
        value = (
            score(objective, ("a", "b", "c"), self.part.targets, found, metric)
            if all(bool(item.isfinite().all()) for item in logits)
            else float("nan")
        )
        if self.answers:
            value = self.answers[min(len(self.seen), len(self.answers) - 1)]
        self.seen.append((value, weights(self.network)))
        return value, loss


def weights(network: nn.Module) -> dict[str, Tensor]:
    """Copies of all weights and buffers."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def recipe(**changes: object) -> Recipe:
    values = {"rate": 0.02, "steps": 12, "batch": 8, "evaluations": 4, "patience": 9}
    return Recipe(**{**values, **changes})  # type: ignore[arg-type]


def trainer(
    *,
    plan: Recipe | None = None,
    objective: Objective = SINGLE,
    dropout: float = 0.0,
    batch_norm: bool = False,
    groups=depth_groups,
    checkpoint=None,
    save_every: float = 0.0,
    ceiling: Ceiling | None = None,
    seed: int = 0,
    rows: int = 30,
    kind: type[Trainer] = Trainer,
) -> Trainer:
    """A trainer on a new toy network; the same arguments give the same weights to begin with."""
    encoder = Letters(dropout, batch_norm)
    outputs = 1 if objective is Objective.REAL else 3
    generator = np.random.default_rng(1)
    head = LinearHead(
        weight=generator.normal(0, 0.3, (outputs, WIDTH)).astype(np.float32),
        bias=np.zeros(outputs, dtype=np.float32),
    )
    network = Network(encoder, head, objective, pair=False)
    part = as_objective(words(rows), objective)
    scale = target_scale(part, objective)
    place = Place(checkpoint, ceiling or Ceiling(10_000), Silent(), save_every=save_every)
    return kind(
        network=network,
        groups=groups(network),
        recipe=plan or recipe(),
        lesson=Labels(part, objective, scale, outputs if plan and plan.class_weighted else 0),
        samples=Samples(network.encode, network.size, part.inputs),
        validate=Validation(network, as_objective(words(24, seed=7), objective), scale),
        seed=seed,
        place=place,
    )


def same(left: dict[str, Tensor], right: dict[str, Tensor], within: float = 0.0) -> bool:
    """Whether all weights are equal to the bit, or ``within`` a distance."""
    return all(
        torch.equal(value, right[name])
        if within == 0 or not value.is_floating_point()
        else bool((value - right[name]).abs().max() <= within)
        for name, value in left.items()
    )


class Killed(BaseException):
    """What a test raises in place of kill -9."""


def kill_at(subject: Trainer, step: int) -> None:
    """Let the process of ``subject`` die inside the step after ``step`` whole ones."""
    train_on = subject._train_on

    def dying(rows: list[int]) -> bool:
        if subject.step == step:
            subject._accumulate(rows)  # dies in the middle of its work
            raise Killed
        return train_on(rows)

    subject._train_on = dying  # type: ignore[method-assign]
