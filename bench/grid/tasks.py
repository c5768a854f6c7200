"""The tasks of the grid: sets of ../shared/data, cut so that the whole grid takes a few hours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from headstart.rank.subsample import subsample
from headstart.task.build import build_task
from headstart.task.model import Task

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
TRAIN, VALIDATION, TEST = 400, 300, 600  # rows at most
TASKS = ("banking77", "clinc150", "hwu64-scenario", "hwu64-has_entity", "sst2", "sib200-eng")


def task(name: str) -> Task:
    """Return a task of the grid."""
    found = _built(name)
    parts = {
        part: rows.take(subsample(rows, found.objective, count))
        for (part, rows), count in zip(found.parts.items(), (TRAIN, VALIDATION, TEST), strict=True)
    }
    return replace(found, name=name, **parts)


def _built(name: str) -> Task:
    place = DATA.resolve()
    if name.startswith("hwu64"):
        return build_task(place / "multitask/hwu64", target=name.partition("-")[2])
    if name.startswith("sib200"):
        table = pd.read_parquet(place / "xling/sib200-12.parquet")
        language = name.partition("-")[2]
        return build_task(
            table[table["lang"].str.startswith(language)].drop(columns=["lang", "id"])
        )
    return build_task(place / "text" / name)
