"""A recorded task, base and methods, for which fitting is looking up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from bench.grid.table import Entry, Table
from headstart.ledger.distance import distance
from headstart.ledger.rows import Outcome, SimilarTask
from headstart.method.model import METHODS, Fitted, Hyperparameters, Method, Setting
from headstart.study.arm import Arm
from headstart.study.judge import cut
from headstart.study.prior import NEAR, NEIGHBOURS, Prior
from headstart.task.model import Kind, Modality, Objective, Part, Task
from headstart.train.guard import Ceiling
from headstart.train.recipe import Point

BATCH = 32
SEEDS = 2  # of the longest runs; of the others, one


def task_of(table: Table) -> Task:
    """Return a task of the recorded size and targets, without inputs."""
    targets = {"train": np.arange(table.rows["train"]) % table.classes, **table.targets}
    parts = {
        name: Part(
            inputs=[f"{name} {row}" for row in range(len(found))],
            targets=found,
            ids=[f"{name}{row}" for row in range(len(found))],
            origins=[f"{name} row {row}" for row in range(len(found))],
        )
        for name, found in targets.items()
    }
    return Task(
        name=table.name,
        kind=Kind.CLASSIFICATION,
        objective=Objective.SINGLE_LABEL,
        modality=Modality.TEXT,
        input=("text",),
        target="label",
        classes=tuple(f"class {index}" for index in range(table.classes)),
        fingerprint=table.name,
        split="recorded",
        **parts,
    )


def arms_of(table: Table) -> list[Arm]:
    """Return the arms that were recorded."""
    found = task_of(table)
    pairs = dict.fromkeys((entry.method, entry.base) for entry in table.entries)
    bases = {base for _, base in pairs if base is not None}
    benches = {base: _bench(table, found, base) for base in bases}
    return [
        Arm(Recorded(table, method, base), benches.get(base or ""), alone=len(bases) == 1)
        for method, base in pairs
    ]


def _bench(table: Table, task: Task, base: str) -> Any:
    return SimpleNamespace(
        base=base,
        task=task,
        card=SimpleNamespace(revision=base, parameters=1),
        pristine=SimpleNamespace(preprocessing=lambda: "", device=lambda: torch.device("cpu")),
        once=lambda name, make: make(),
        ceiling=lambda: Ceiling(10**9),
        flop_per_unit=table.flop_per_unit[base],
        units=table.units[base].__getitem__,
    )


class Recorded(Method):
    """A method whose fits were recorded.

    Args:
        table: Where.
        name: As on the command line.
        base: On which base.
    """

    def __init__(self, table: Table, name: str, base: str | None) -> None:
        real = METHODS.get(name)
        self.name, self.base, self.table = name, base, table  # type: ignore[misc]
        self.summary, self.control = real.summary, real.control  # type: ignore[misc]
        self.trains_steps = real.trains_steps  # type: ignore[misc]
        self.places = {
            (entry.rate, entry.steps, entry.seed): place
            for place, entry in enumerate(table.entries)
            if (entry.method, entry.base) == (name, base)
        }

    def search(self, task: Task, bench: Any, metric: str) -> list[Hyperparameters]:
        """Return the recorded rates."""
        rates = dict.fromkeys(rate for rate, _, _ in self.places)
        return [{"rate": rate, "batch": BATCH} for rate in rates] if self.trains_steps else [{}]

    def flop_factor(self, bench: Any) -> float:
        """Return the recorded factor."""
        return self.table.factors[self.name]

    def entry(self, values: Hyperparameters, seed: int) -> tuple[int, Entry]:
        """Return the place and the record of a fit; more seeds than were recorded repeat."""
        rate, steps = values.get("rate"), values.get("steps")
        kept = sum((rate, steps, one) in self.places for one in range(SEEDS))
        place = self.places[rate, steps, seed % kept]
        return place, self.table.entries[place]

    def fit(self, setting: Setting) -> Fitted:
        """Return what was recorded."""
        place, found = self.entry(setting.hyperparameters, setting.seed)
        certain = np.eye(self.table.classes)
        validation = certain[self.table.predicted["validation"][place]]
        return Fitted(
            model=_NoModel(),  # type: ignore[arg-type]
            validation=cut(validation, None, setting.judged),
            test=lambda: certain[self.table.predicted["test"][place]],
            flop=found.flop,
            seconds=found.seconds,
            cpu_seconds=found.seconds,
            peak_bytes=1,
            trainable_parameters=1,
            points=[Point(step, 0.0, 0.0, None, value) for step, value in found.curve],
        )


class _NoModel:
    """Stands for the model of a recorded fit: it is never used."""

    def save(self, folder: Path) -> None:
        """Write nothing."""


@dataclass
class Neighbours:
    """What a ledger of other tasks would say.

    Attributes:
        table: The task asked about.
        others: The tasks that are known.
    """

    table: Table
    others: Sequence[Table]

    def prior(self, bench: Any) -> Prior:
        """Return the best recorded trials of the nearest other tasks."""
        own = self.table.summaries[bench.base]
        near = sorted(
            (
                SimilarTask(other.name, distance(own, other.summaries[bench.base]), other.name, 0)
                for other in self.others
            ),
            key=lambda found: found.distance,
        )
        kept = [found for found in near if found.distance <= NEAR][:NEIGHBOURS]
        tables = {other.name: other for other in self.others}
        outcomes = [
            _outcome(tables[found.fingerprint], method, bench.base)
            for found in kept
            for method in tables[found.fingerprint].factors
            if METHODS.get(method).trains_steps
        ]
        return Prior(kept, outcomes)

    def has(self, key: str, *, final: bool) -> bool:
        """Know no trial of this task."""
        return False

    def recall(self, key: str, *, final: bool) -> None:
        """Know no trial of this task."""

    def keep(self, record: Any, predictions: Any) -> None:
        """Keep nothing."""


def _outcome(table: Table, method: str, base: str) -> Outcome:
    mine = [e for e in table.entries if (e.method, e.base) == (method, base)]
    best = max(mine, key=lambda entry: (entry.validation, -entry.flop))
    return Outcome(
        task=table.name, metric="accuracy", method=method, base=base, base_revision=base,
        hyperparameters={"rate": best.rate}, score=best.validation, flop=best.flop,
        seconds=best.seconds, steps=best.steps, key="", trials=len(mine),
    )  # fmt: skip
