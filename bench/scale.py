"""Many rows in little memory, and how soon work begins."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.data import BANKING
from headstart.task.build import build_task

ROWS = 200_000
REPEATS = 5
SET = BANKING.parents[1] / "multitask/hwu64"
TARGET = "scenario"
HEADSTART = str(Path(sys.executable).with_name("headstart"))


def run(part: str = "") -> list[dict[str, Any]]:
    """Time the start of the command line ("start"), run a study on 200,000 rows ("rows")."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = [_help(), _start(folder)] if part != "rows" else []
        return start + ([_many(folder)] if part != "start" else [])


def _help() -> dict[str, Any]:
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        subprocess.run([HEADSTART, "--help"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - began)
    return {"what": f"headstart --help, best of {REPEATS}", "seconds": min(seconds)}


def _start(folder: Path) -> dict[str, Any]:
    """Time a study with everything in the cache up to its first fit; the first fills the cache."""
    for out in ("cold", "warm"):
        command = [HEADSTART, "adapt", "packaged:emojis", "--method", "probe"]
        began = time.perf_counter()
        with _started([*command, "--out", str(folder / out)]) as process:
            assert process.stderr is not None
            for line in process.stderr:
                if line.startswith("majority:"):  # the first arm: all before was preparing
                    seconds = time.perf_counter() - began
    return {"what": "adapt, from the start to its first fit, warm cache", "seconds": seconds}


def _many(folder: Path) -> dict[str, Any]:
    table = folder / "many.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(_perturbed())
    began = time.perf_counter()
    with _started([HEADSTART, "adapt", str(table), "--budget", "1min",
                   "--out", str(folder / "many")]) as process:  # fmt: skip
        assert process.stderr is not None
        process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("the study on many rows failed")
    return {
        "what": f"adapt, {ROWS:,} rows, budget 1min",
        "seconds": time.perf_counter() - began,
        "peak_gigabytes": usage.ru_maxrss * 1024 / 1e9,
    }


def _started(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"HEADSTART_LEDGER": "none"},
    )  # fmt: skip


def _perturbed() -> Iterator[tuple[str, str]]:
    """Yield real texts over and over, two words of each changed for words of others."""
    data = (
        build_task(SET.resolve(), target=TARGET) if SET.is_dir() else build_task("packaged:emojis")
    )
    texts = [str(text) for text in data.train.inputs]
    words = sorted({word for text in texts for word in re.findall(r"\w+", text)})
    random = np.random.default_rng(0)
    for row in range(ROWS):
        at = row % len(texts)
        parts = texts[at].split()
        for _ in range(2 if row >= len(texts) else 0):
            parts[random.integers(len(parts))] = words[random.integers(len(words))]
        yield " ".join(parts), data.classes[int(data.train.targets[at])]  # type: ignore[call-overload]
