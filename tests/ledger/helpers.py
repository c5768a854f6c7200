"""Entries to write, and processes that write them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.ledger.rows import TaskEntry, TrialEntry

WRITER = Path(__file__).with_name("writer.py")
TASK = TaskEntry("task-1", "reviews", "classification", "text", "accuracy", 120, 3)
TRIAL = TrialEntry(
    key="key-1", task="task-1", base="bundled:minilm-l6", base_revision="rev-1", method="probe",
    hyperparameters={"strength": 0.1}, seed=0, steps=None, status="done", score=0.8,
    metric="accuracy", flop=2e9, seconds=1.5, record={"key": "key-1", "status": "done"},
    predictions={"validation": b"\x00\x01"},
)  # fmt: skip


def task(fingerprint: str, **more: Any) -> TaskEntry:
    return replace(TASK, fingerprint=fingerprint, **more)


def trial(key: str, **more: Any) -> TrialEntry:
    return replace(TRIAL, key=key, record={"key": key}, **more)


def vector(*numbers: float) -> NDArray[np.float32]:
    return np.array(numbers, dtype=np.float32)


class Writer:
    """A process of its own that waits for the word, then does as told (see writer.py)."""

    def __init__(self, *told: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(WRITER), *told],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.line() == "ready"

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def kill(self) -> list[str]:
        """Kill -9, and return the whole lines it still managed to say."""
        self._process.kill()
        said, _ = self._process.communicate()
        return said.split("\n")[:-1]

    def end(self) -> list[str]:
        """Wait for its end and return the lines it said."""
        said, errors = self._process.communicate(timeout=120)
        assert self._process.returncode == 0, errors
        return said.splitlines()


def together(*told: tuple[str, ...]) -> list[list[str]]:
    """Run a writer for each, all let go at once; return what each said."""
    writers = [Writer(*one) for one in told]
    for writer in writers:
        writer.go()
    return [writer.end() for writer in writers]
