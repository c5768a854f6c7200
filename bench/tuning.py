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
from headstart.study.record import ArmRecord, StudyRecord

Row = dict[str, Any]
SETS: dict[str, Callable[[Path], Path]] = {"shakespeare": shakespeare, "alpaca": alpaca}
METHODS = ["lora", "qlora", "prompt", "finetune"]
BUDGET = "120tflop"


def run(part: str = "") -> list[Row]:
    """Run the study of one set, or of both; nothing where the sets are not here."""
    if not LANGUAGE.is_dir():
        return []
    return [row for name in ([part] if part else SETS) for row in _study(name)]


def _study(name: str) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        record = headstart.adapt(
            SETS[name](Path(folder)),
            method=METHODS,
            budget=BUDGET,
            seeds=1,
            ledger="none",
            out=Path(folder) / "study",
        ).record
    return [_row(record, arm, name) for arm in record.arms]


def _row(record: StudyRecord, arm: ArmRecord, name: str) -> Row:
    [trial] = [one for one in [*record.baselines, *record.trials] if one.key == arm.keys[0]]
    score = bits(arm)
    return {
        "what": f"{name}: {arm.name}",
        "bits_per_byte": score.value,
        "from": score.low,
        "to": score.high,
        **lost(record, arm),
        "steps": trial.hyperparameters.get("steps"),
        "trainable": trial.cost.trainable_parameters,
        "peak_MB": trial.cost.peak_bytes / 1e6,
        "seconds": trial.cost.seconds,
    }
