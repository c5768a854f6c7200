"""The planner on the recorded grid: regret against the whole grid's choice, and its cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.grid.recorded import Neighbours, arms_of, task_of
from bench.grid.table import Entry, Table, read, recorded
from headstart.progress import Silent
from headstart.study.arm import fit_at_once
from headstart.study.decide import decide
from headstart.study.purse import Purse
from headstart.study.race import Race
from headstart.study.speed import Speed
from headstart.study.store import Store
from headstart.study.trial import Context

SHARE = 1 / 20  # of the grid's operations
SEEDS = 2


@dataclass(frozen=True)
class Replay:
    """One task.

    Attributes:
        task: Its name.
        chosen, best: Arm that the planner delivers, and that the whole grid does.
        regret: Test accuracy of the grid's choice less that of the planner's.
        hindsight: The same with the setting that is best on the test rows: nobody can choose it.
        share: Operations of the planner over those of the grid.
    """

    task: str
    chosen: str
    best: str
    regret: float
    hindsight: float
    share: float


def run() -> list[dict[str, Any]]:
    """Replay every recorded task, alone and with a ledger of the others."""
    tables = [read(name) for name in recorded()]
    rows = []
    for known in (False, True):
        found = [
            replay(table, [o for o in tables if o is not table] if known else [])
            for table in tables
        ]
        what = "with a ledger of the other tasks" if known else "without a ledger"
        rows += [{"what": f"{one.task}, {what}", **vars(one)} for one in found]
        rows.append(
            {
                "what": f"mean of {len(found)} tasks, {what}",
                "regret": float(np.mean([one.regret for one in found])),
                "hindsight": float(np.mean([one.hindsight for one in found])),
                "share": float(np.mean([one.share for one in found])),
            }
        )
    return rows


def replay(table: Table, others: Sequence[Table], share: float = SHARE) -> Replay:
    """Return what the planner does on a task with so large a share of the grid's operations."""
    whole = grid_flop(table)
    with TemporaryDirectory() as folder:
        memory: Any = Neighbours(table, others) if others else None
        store = Store(Path(folder))
        context = Context(task_of(table), "accuracy", SEEDS, store, Silent(), memory=memory)
        arms = [arm for arm in arms_of(table) if arm.bench is None or arm.bench.base in table.kept]
        trained = [arm for arm in arms if arm.method.trains_steps]
        at_once = [arm for arm in arms if not arm.method.trains_steps]
        for arm in at_once:
            fit_at_once(context, arm)
        features = feature_flop(table)
        speed = Speed(1.0, 1.0, 1.0, "float32")
        purse = Purse(share * whole - features, False, lambda arm: speed)
        Race(context, purse, at_once, trained).run()
        delivered = decide(context, arms).delivered
    best, score = grid_choice(table)
    chosen = delivered.record.scores["test"]["accuracy"].value
    return Replay(
        table.name,
        delivered.record.name,
        best,
        regret=score - chosen,
        hindsight=max(test for _, test in _means(table.entries).values()) - chosen,
        share=(purse.spent + features) / whole,
    )


def feature_flop(table: Table) -> float:
    """Return the operations of features: all bases' to rank them, the rest of those kept."""
    return sum(
        table.flop_per_unit[base] * (sum(parts.values()) if base in table.kept else parts["train"])
        for base, parts in table.units.items()
    )


def grid_flop(table: Table) -> float:
    """Return the operations of the grid: every arm and rate at full length, every seed."""
    longest = max(entry.steps or 0 for entry in table.entries)
    return sum(entry.flop for entry in table.entries if entry.steps in (None, longest))


def grid_choice(table: Table) -> tuple[str, float]:
    """Return the setting that is best on validation over its seeds, and its test accuracy."""
    means = _means(table.entries)
    best = max(means, key=lambda setting: means[setting][0])
    return f"{best[0]} · {best[1]}, rate {best[2]}, {best[3]} steps", means[best][1]


def _means(entries: Sequence[Entry]) -> dict[tuple[Any, ...], tuple[float, float]]:
    """Return mean validation and test accuracy over the seeds of each setting."""
    groups: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.method, entry.base, entry.rate, entry.steps), []).append(entry)
    return {
        setting: (
            float(np.mean([e.validation for e in found])),
            float(np.mean([e.test for e in found])),
        )
        for setting, found in groups.items()
    }
