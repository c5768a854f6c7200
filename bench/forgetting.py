"""Full fine-tuning at a high rate, then held to forget at most 2%: what is learnt, and kept.

On texts of three domains; retained is BBC News. All figures are of rows that no choice looked at:
bits per byte of the domain, share of the retained perplexity that is lost.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import headstart
from bench.data import LANGUAGE, gsm8k, medquad, shakespeare
from headstart.method.finetune import Finetune
from headstart.study.record import ArmRecord, ScoreRecord, StudyRecord

Row = dict[str, Any]
SETS: dict[str, Callable[[Path], Path]] = {
    "shakespeare": shakespeare,
    "medquad": medquad,
    "gsm8k": gsm8k,
}
LIMIT = "2%"
BUDGET = "80tflop"
RATE = 5e-4  # five times the middle one of those that are searched


def run(part: str = "") -> list[Row]:
    """Run the study of one set, or of all; nothing where the sets are not here."""
    if not LANGUAGE.is_dir():
        return []
    found = [row for name in ([part] if part else SETS) for row in _study(name)]
    if not part:
        kept = [row["gain_kept"] for row in found if row["delivered"]]
        found.append({"what": "median of what was delivered", "gain_kept": float(np.median(kept))})
    return found


def _study(name: str) -> list[Row]:
    """Return what each arm of a set's study learnt and forgot."""
    with tempfile.TemporaryDirectory() as folder, _one_rate():
        record = headstart.adapt(
            SETS[name](Path(folder)),
            method=["finetune"],
            budget=BUDGET,
            seeds=1,
            forget_at_most=LIMIT,
            ledger="none",
            out=Path(folder) / "study",
        ).record
    start = bits(arm_of(record, "untouched")).value
    whole = start - bits(arm_of(record, "finetune")).value
    return [
        {
            "what": f"{name}: {arm.name}",
            "delivered": "yes" if arm.name == record.decision.arm else "",
            "bits_per_byte": bits(arm).value,
            "gain_kept": (start - bits(arm).value) / whole,
            **lost(record, arm),
            "tflop": arm.flop / 1e12,
        }
        for arm in record.arms
    ]


@contextmanager
def _one_rate() -> Iterator[None]:
    """Train at :data:`RATE` alone while the block runs."""
    searched = Finetune.rates
    Finetune.rates = (RATE,)
    try:
        yield
    finally:
        Finetune.rates = searched


def arm_of(record: StudyRecord, name: str) -> ArmRecord:
    """Return the arm of this name."""
    return next(arm for arm in record.arms if arm.name == name)


def bits(arm: ArmRecord) -> ScoreRecord:
    """Return bits per byte of the test rows."""
    return arm.scores["test"]["bits_per_byte"]


def lost(record: StudyRecord, arm: ArmRecord) -> Row:
    """Return the share of the retained score that an arm lost on test rows; the base loses none."""
    trials = [one for one in record.trials if one.key in arm.keys]
    found = [one for trial in trials for one in trial.retention if one.part == "test"]
    share = found[0].forgotten if found else ScoreRecord(value=0.0, low=0.0, high=0.0)
    return {"forgotten": share.value, "low": share.low, "high": share.high}
