"""The grid as data: one JSON file a task, and the predictions of its trials beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "data"
PARTS = ("validation", "test")


@dataclass(frozen=True)
class Entry:
    """One trial of the grid.

    Attributes:
        method, base: The arm; base is None for methods without one.
        rate, steps: None for methods that train no steps.
        seed: Of everything random.
        validation, test: Accuracy.
        flop, seconds: What it took.
        curve: (step, accuracy on the validation rows that were watched).
    """

    method: str
    base: str | None
    rate: float | None
    steps: int | None
    seed: int
    validation: float
    test: float
    flop: float
    seconds: float
    curve: list[tuple[int, float]]


@dataclass(frozen=True)
class Table:
    """The trials of one task.

    Attributes:
        name, classes: Of the task.
        rows: Part → rows.
        units: Part → tokens.
        flop_per_unit: Base → operations of a forward pass a token.
        factors: Method → operations of a training step, in forward passes.
        summaries: Base → the task's summary (headstart.ledger.distance).
        ranking: Score → base → value, from ``bases rank``.
        kept: The bases that a study would adapt by that ranking, best first.
        entries: The trials.
        targets: Part → (N,) class indices.
        predicted: Part → (E, N) class indices, a row an entry.
    """

    name: str
    classes: int
    rows: dict[str, int]
    units: dict[str, dict[str, int]]
    flop_per_unit: dict[str, float]
    factors: dict[str, float]
    summaries: dict[str, list[float]]
    ranking: dict[str, dict[str, float]]
    kept: list[str]
    entries: list[Entry]
    targets: dict[str, NDArray[np.int64]]
    predicted: dict[str, NDArray[np.int64]]

    def write(self) -> None:
        """Write the table to the folder of the grid."""
        FOLDER.mkdir(exist_ok=True)
        arrays = {f"targets_{part}": self.targets[part].astype(np.uint8) for part in PARTS}
        arrays |= {f"predicted_{part}": self.predicted[part].astype(np.uint8) for part in PARTS}
        np.savez_compressed(FOLDER / f"{self.name}.npz", **arrays)
        plain: dict[str, Any] = asdict(self)
        del plain["targets"], plain["predicted"]
        text = json.dumps(plain, separators=(",", ":")).replace('{"method"', '\n{"method"')
        (FOLDER / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")


def read(name: str) -> Table:
    """Return the table of a task."""
    plain = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    plain["entries"] = [Entry(**entry) for entry in plain["entries"]]
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        targets = {part: file[f"targets_{part}"].astype(np.int64) for part in PARTS}
        predicted = {part: file[f"predicted_{part}"].astype(np.int64) for part in PARTS}
    return Table(**plain, targets=targets, predicted=predicted)


def recorded() -> list[str]:
    """Return the names of the tasks that were recorded."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))
