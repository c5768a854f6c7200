"""The tasks of the grid: sets of ../shared/data, cut so that the whole grid takes a few hours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from headstart.rank.subsample import subsample
from headstart.task.build import build_task
from headstart.task.model import Part, Task

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
TRAIN, VALIDATION, TEST = 400, 300, 600  # rows at most
FEWER = {"hwu64-has_entity": 200, "sst2": 200}  # training rows
LONGEST = {"sst2": 80}  # characters; the others' texts are short as they are
TASKS = ("banking77", "clinc150", "hwu64-scenario", "hwu64-action", "hwu64-has_entity", "sst2")
PHOTOS = ("hymenoptera.zip", "clothing10.zip", "pacs-small.zip", "cifar10-small")


def task(name: str) -> Task:
    """Return a task of the grid."""
    found = _built(name)
    most = LONGEST.get(name)
    if most is not None:
        found = replace(found, **{part: _short(rows, most) for part, rows in found.parts.items()})
    counts = (FEWER.get(name, TRAIN), VALIDATION, TEST)
    parts = {
        part: rows.take(subsample(rows, found.objective, count))
        for (part, rows), count in zip(found.parts.items(), counts, strict=True)
    }
    return replace(found, name=name, **parts)


def _built(name: str) -> Task:
    place = DATA.resolve()
    if name.startswith("hwu64"):
        return build_task(place / "multitask/hwu64", target=name.partition("-")[2])
    return build_task(place / ("vision" if name in PHOTOS else "text") / name)


def _short(rows: Part, most: int) -> Part:
    """Return the rows whose text has at most so many characters."""
    return rows.take([at for at, text in enumerate(rows.inputs) if len(str(text)) <= most])
