"""What studies said that their steps would take, against what they took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.data import BANKING

SHARED = BANKING.parents[1]
SETS = {
    "banking77": BANKING,
    "SST-2": SHARED / "text/sst2",
    "HWU64 scenarios": SHARED / "multitask/hwu64",
    "ants and bees": SHARED / "vision/hymenoptera.zip",
    "clothes": SHARED / "vision/clothing10.zip",
    "emoji names": "packaged:emojis",
}
FLAGS = {"HWU64 scenarios": ("--target", "scenario")}
BUDGET = "1min"
SHORTEST = 1.0  # seconds; what is over before one could look at a clock needs no prediction


def run() -> list[dict[str, Any]]:
    """Run a short study on each set, none known to a ledger; errors are shares of the actual."""
    rows, errors = [], {"seconds": [], "bytes": []}
    for name, data in SETS.items():
        if not str(data).startswith("packaged:") and not Path(data).exists():
            continue
        began = time.perf_counter()
        charges = _charges(str(data), FLAGS.get(name, ()))
        found = {what: _errors(charges, what) for what in errors}
        for what, some in found.items():
            errors[what] += some
        rows.append({"what": f"{name}, {len(charges)} steps",
                     "seconds": time.perf_counter() - began} | _medians(found))  # fmt: skip
    return [*rows, {"what": f"all steps of {len(rows)} studies"} | _medians(errors)]


def _charges(data: str, flags: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return what a study of ``data`` predicted and took, step by step."""
    headstart = Path(sys.executable).with_name("headstart")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "study"
        command = [str(headstart), "adapt", data, *flags, "--budget", BUDGET, "--out", str(out)]
        subprocess.run(
            command, check=True, capture_output=True, env=os.environ | {"HEADSTART_LEDGER": "none"}
        )
        found: list[dict[str, Any]] = json.loads((out / "evidence.json").read_text())["prices"]
        return found


def _errors(charges: list[dict[str, Any]], what: str) -> list[float]:
    """Return |predicted - actual| / actual of the steps that were predicted and took a while."""
    pairs = [
        (one[f"predicted_{what}"], one[what])
        for one in charges
        if one["seconds"] >= SHORTEST and one[f"predicted_{what}"] and one[what]
    ]
    return [abs(predicted - actual) / actual for predicted, actual in pairs]


def _medians(errors: dict[str, list[float]]) -> dict[str, float]:
    return {
        f"median_error_of_{what}": float(np.median(found))
        for what, found in errors.items()
        if found
    }
