"""``headstart adapt`` as it comes against the sweep people run: Trainer, 3 rates, 3 seeds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.data import BANKING
from bench.finetune import trained_epochs
from bench.trainer import EPOCHS

RATES, SEEDS = 3, 3


def run() -> list[dict[str, Any]]:
    """Run the default study on banking77; of the sweep one run is timed, the others are alike."""
    data = str(BANKING) if BANKING.is_dir() else "packaged:emojis"
    began = time.perf_counter()
    scores = _adapted(data)
    ours = time.perf_counter() - began
    peer = trained_epochs()
    one = sum(peer["seconds"])
    sweep = RATES * SEEDS * one
    return [
        {"what": "headstart adapt, default flags", "seconds": ours, "accuracy": scores["value"],
         "low": scores["low"], "high": scores["high"], "ratio": sweep / ours},
        {"what": f"Trainer, bfloat16, {EPOCHS} epochs, one run", "seconds": one,
         "accuracy": peer["accuracy"][-1], "ratio": sweep / one},
        {"what": f"Trainer, {RATES} rates x {SEEDS} seeds: {RATES * SEEDS} such runs",
         "seconds": sweep, "ratio": 1.0},
    ]  # fmt: skip


def _adapted(data: str) -> dict[str, float]:
    """Return the test accuracy of the delivered model, with its interval."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "study"
        headstart = str(Path(sys.executable).with_name("headstart"))
        subprocess.run(
            [headstart, "adapt", data, "--out", str(out)],
            check=True, capture_output=True, env=os.environ | {"HEADSTART_LEDGER": "none"},
        )  # fmt: skip
        record = json.loads((out / "study.json").read_text())
    name = record["decision"]["arm"]
    arm = next(arm for arm in record["arms"] if arm["name"] == name)
    found: dict[str, float] = arm["scores"]["test"]["accuracy"]
    return found
