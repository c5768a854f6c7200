"""Studies of the grid's tasks with a share of its operations: what the replay says, done."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.grid.replay import SEEDS, SHARE, feature_flop, grid_choice, grid_flop
from bench.grid.table import Table, read, recorded
from bench.grid.tasks import task
from headstart.progress import Silent
from headstart.study.budget import Budget
from headstart.study.request import ALL, Request
from headstart.study.run import run_study


def run() -> list[dict[str, Any]]:
    """Run every recorded task with all bundled bases and all methods."""
    rows = [_live(read(name)) for name in recorded()]
    mean = float(np.mean([row["regret"] for row in rows]))
    return [*rows, {"what": f"mean of {len(rows)} tasks, live", "regret": mean}]


def _live(table: Table) -> dict[str, Any]:
    found = task(table.name)
    whole = grid_flop(table)
    began = time.perf_counter()
    with TemporaryDirectory() as folder:
        request = Request(
            data=None,
            out=Path(folder) / "study",
            bases=(ALL,),
            methods=tuple(sorted({entry.method for entry in table.entries})),
            budget=Budget(flop=SHARE * whole - feature_flop(table)),
            seeds=SEEDS,
        )
        record = run_study(request, found, Silent())
    delivered = next(arm for arm in record.arms if arm.name == record.decision.arm)
    best, score = grid_choice(table)
    test = delivered.scores["test"][record.task.metric].value
    return {
        "what": f"{table.name}, live",
        "seconds": time.perf_counter() - began,
        "chosen": delivered.name,
        "best": best,
        "regret": score - test,
    }
