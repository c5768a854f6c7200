"""Every way to adapt a language model on a domain corpus and on instructions: gain and price.

Bits per byte of rows that no choice looked at, with intervals; retained is BBC News.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import headstart
from bench.data import LANGUAGE, alpaca, shakespeare
from bench.forgetting import bits, lost
from headstart.measure.compare import compare
from headstart.study.record import ArmRecord, StudyRecord
from headstart.study.store import Store
from headstart.task.build import build_task
from headstart.task.model import Task

Row = dict[str, Any]
SETS: dict[str, Callable[[Path], Path]] = {"shakespeare": shakespeare, "alpaca": alpaca}
METHODS = ["lora", "qlora", "prompt", "finetune"]
SHARES = {"shakespeare": 30, "alpaca": 15}  # TFLOP for a method; fewer do not pay its steps
MORE = {"alpaca/prompt": 40}  # of so few trained numbers fewer steps show nothing


def run(part: str = "") -> list[Row]:
    """Run each method in a study of its own, of one set or of both; nothing without the sets.

    ``alpaca`` is one set, ``alpaca/qlora`` one method on it: a table may be taken in pieces.
    """
    if not LANGUAGE.is_dir():
        return []
    name, _, method = part.partition("/")
    rows: dict[str, Row] = {}
    for one in [name] if name else SETS:
        for way in [method] if method else METHODS:
            rows |= {row["what"]: row for row in _study(one, way)}  # of what is untouched, one
    return list(rows.values())


def _study(name: str, method: str) -> list[Row]:
    share = MORE.get(f"{name}/{method}", SHARES[name])
    with tempfile.TemporaryDirectory() as folder:
        data, study = SETS[name](Path(folder)), Path(folder) / "study"
        record = headstart.adapt(
            data, method=[method], budget=f"{share}tflop", seeds=1, ledger="none", out=study
        ).record
        task = build_task(data)
        return [_row(record, arm, name, study, task) for arm in record.arms]


def _row(record: StudyRecord, arm: ArmRecord, name: str, study: Path, task: Task) -> Row:
    [trial] = [one for one in [*record.baselines, *record.trials] if one.key == arm.keys[0]]
    score = bits(arm)
    return {
        "what": f"{name}: {arm.name}",
        "bits_per_byte": score.value,
        "from": score.low,
        "to": score.high,
        **_gained(record, arm, study, task),
        **lost(record, arm),
        "steps": trial.hyperparameters.get("steps"),
        "trainable": trial.cost.trainable_parameters,
        "peak_MB": trial.cost.peak_bytes / 1e6,
        "seconds": trial.cost.seconds,
    }


def _gained(record: StudyRecord, arm: ArmRecord, study: Path, task: Task) -> Row:
    """Return by how much an arm is below the untouched base on the test rows, paired."""
    untouched = next(one for one in record.arms if one.name == "untouched")
    store = Store(study)
    pairs = [
        [
            store.predictions(key, "test")
            for key in one.keys
            if store.try_predictions(key, "test") is not None
        ]
        for one in (untouched, arm)
    ]
    targets = task.parts["test"].targets
    found = compare(task.objective, task.classes, targets, pairs[0], pairs[1], "bits_per_byte")
    gain = found.difference
    return {"gain": gain.value, "gain_from": gain.low, "gain_to": gain.high}
