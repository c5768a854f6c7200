"""``headstart demo llm`` with nothing cached: its time, and what its arms learnt and forgot."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.forgetting import bits, lost
from headstart.study.record import StudyRecord


def run() -> list[dict[str, Any]]:
    """Run it as a user does, on a machine that never ran it."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "study"
        began = time.perf_counter()
        subprocess.run(
            [str(Path(sys.executable).with_name("headstart")), "demo", "llm", "--out", str(out)],
            check=True,
            capture_output=True,
            env=os.environ | {"HEADSTART_LEDGER": "none", "HEADSTART_CACHE": f"{folder}/cache"},
        )
        seconds = time.perf_counter() - began
        record = StudyRecord.model_validate_json((out / "study.json").read_text("utf-8"))
    found = []
    for arm in record.arms:
        score = bits(arm)
        values = {"bits_per_byte": score.value, "from": score.low, "to": score.high}
        found.append({"what": arm.name, **values, **lost(record, arm)})
    return [{"what": "the whole demo", "seconds": seconds}, *found]
