"""Full fine-tuning with and without a limit of 2% on what is forgotten: what is learnt, and kept.

On texts of three domains, retained is BBC News; all figures are of rows that no choice looked at.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import headstart
from bench.data import LANGUAGE, gsm8k, medquad, shakespeare
from headstart.study.record import ArmRecord, ScoreRecord, StudyRecord

Row = dict[str, Any]
SETS: dict[str, Callable[[Path], Path]] = {
    "shakespeare": shakespeare,
    "medquad": medquad,
    "gsm8k": gsm8k,
}
LIMIT = "2%"
BUDGET = {None: "50tflop", LIMIT: "90tflop"}  # two fifths of it are kept for levers under a limit


def run(part: str = "") -> list[Row]:
    """Run the studies of one set, or of all; nothing where the sets are not here."""
    if not LANGUAGE.is_dir():
        return []
    found = [row for name in ([part] if part else SETS) for row in _studies(name)]
    kept = [row["gain_kept"] for row in found if "gain_kept" in row]
    if not part:
        found.append({"what": f"median of gain kept under {LIMIT}", "gain_kept": np.median(kept)})
    return found


def _studies(name: str) -> list[Row]:
    """Return the free study of a set, and the one under a limit."""
    free = _study(name, None)
    held = _study(name, LIMIT)
    return [free, {**held, "gain_kept": held["gain"] / free["gain"]}]


def _study(name: str, limit: str | None) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        record = headstart.adapt(
            SETS[name](Path(folder)),
            method=["finetune"],
            budget=BUDGET[limit],
            seeds=1,
            forget_at_most=limit,
            ledger="none",
            out=Path(folder) / "study",
        ).record
    return figures(record, f"{name}, " + (f"forgets at most {limit}" if limit else "no limit"))


def figures(record: StudyRecord, what: str) -> Row:
    """Return what a study's delivered model learnt and forgot, on the test rows."""
    arm = arm_of(record, record.decision.arm)
    before, after = (bits(one).value for one in (arm_of(record, "untouched"), arm))
    return {
        "what": f"{what}: {arm.name}",
        "bits_before": before,
        "bits_after": after,
        "gain": before - after,
        **lost(record, arm),
    }


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
