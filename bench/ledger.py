"""A ledger with a million trials: is a key known, which tasks are similar, what won on them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

from headstart.database.engine import engine_for, writing
from headstart.files import digest
from headstart.ledger.distance import FORMAT
from headstart.ledger.ledger import Ledger
from headstart.ledger.purpose import LEDGER
from headstart.ledger.tables import PredictionTable, SummaryTable, TaskTable, TrialTable

TRIALS, TASKS = 1_000_000, 2_000
GOAL_SECONDS = 0.05
ASKED = 200
NEAREST = 10
SIZE = 199
BASES = ("rev-a", "rev-b", "rev-c", "rev-d")
METHODS = ("probe", "prototype", "finetune", "partial", "lora", "scratch")
BATCH = 20_000
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_POINT = {"step": 100, "epoch": 1.0, "learning_rate": 3e-4, "loss": 0.512345, "validation": 0.8}
_RECORD = {"scores": {"validation": {"accuracy": {"value": 0.8, "low": 0.7, "high": 0.9}}},
           "curve": [_POINT] * 20}  # fmt: skip


def run(trials: int = TRIALS) -> list[dict[str, Any]]:
    """Fill a ledger and ask it; each time is the median of 200, the ratio is to 50 ms."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.sqlite3"
        began = time.perf_counter()
        _fill(file, trials)
        filled = time.perf_counter() - began
        size = file.stat().st_size / 2**30
        with Ledger.open(file) as ledger:
            rows = [
                _row(f"{what}, {trials:,} trials, {TASKS:,} tasks", seconds)
                for what, seconds in _asked(ledger, trials)
            ]
    return [*rows, _row(f"fill it in bulk: {size:.1f} GiB", filled)]


def _row(what: str, seconds: float) -> dict[str, Any]:
    return {"what": what, "seconds": seconds, "ratio": GOAL_SECONDS / seconds}


def _asked(ledger: Ledger, trials: int) -> Iterator[tuple[str, float]]:
    rng = np.random.default_rng(1)
    known = [_key(int(n)) for n in rng.integers(0, trials, ASKED)]
    unknown = [digest("unknown", str(n))[:16] for n in range(ASKED)]
    asked = [_vector(int(n)) for n in rng.integers(0, TASKS, ASKED)]

    def similar(vector: Any) -> list[str]:
        found = ledger.similar_tasks(BASES[0], vector, "classification", NEAREST)
        return [one.fingerprint for one in found]

    near = [similar(vector) for vector in asked]
    yield "has, a known key", _median(ledger.has, known)
    yield "has, an unknown key", _median(ledger.has, unknown)
    yield "trial", _median(ledger.trial, known)
    yield f"similar_tasks, {NEAREST} nearest", _median(similar, asked)
    yield f"outcomes of {NEAREST} tasks", _median(ledger.outcomes, near)
    yield "similar_tasks and outcomes", _median(lambda v: ledger.outcomes(similar(v)), asked)
    yield "totals", _median(lambda _: ledger.totals(), [None] * 5)


def _median(ask: Callable[[Any], Any], values: list[Any]) -> float:
    times = []
    for value in values:
        began = time.perf_counter()
        ask(value)
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def _fill(file: Path, trials: int) -> None:
    Ledger.open(file).close()  # makes the tables
    engine = writing(engine_for(file, LEDGER))
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA cache_size = -1000000")
        connection.execute(insert(TaskTable), [_task(n) for n in range(TASKS)])
        connection.execute(
            insert(SummaryTable), [_summary(n, base) for n in range(TASKS) for base in BASES]
        )
        for start in range(0, trials, BATCH):
            numbers = range(start, min(start + BATCH, trials))
            connection.execute(insert(TrialTable), [_trial(n) for n in numbers])
            connection.execute(
                insert(PredictionTable),
                [{"trial_key": _key(n), "part": "validation", "data": bytes(800)} for n in numbers],
            )
    engine.dispose()


def _key(number: int) -> str:
    return digest("trial", str(number))[:16]


def _fingerprint(number: int) -> str:
    return digest("task", str(number))


def _vector(number: int) -> np.ndarray:
    return np.random.default_rng(number).normal(size=SIZE).astype(np.float32)


def _task(number: int) -> dict[str, Any]:
    return {
        "fingerprint": _fingerprint(number), "name": f"task {number}", "kind": "classification",
        "modality": "text", "metric": "accuracy", "rows": 1000, "classes": 5, "created": _NOW,
    }  # fmt: skip


def _summary(number: int, base: str) -> dict[str, Any]:
    return {
        "task_fingerprint": _fingerprint(number), "base_revision": base, "format": FORMAT,
        "dimension": SIZE, "vector": _vector(number).tobytes(),
    }  # fmt: skip


def _trial(number: int) -> dict[str, Any]:
    # Tasks take turns, as in a ledger that grew over time: a task's trials lie far apart.
    turn = number // TASKS
    return {
        "key": _key(number), "task_fingerprint": _fingerprint(number % TASKS),
        "base": "bundled:minilm-l6", "base_revision": BASES[turn % len(BASES)],
        "method": METHODS[turn // len(BASES) % len(METHODS)],
        "hyperparameters": {"learning_rate": 10.0 ** -(turn % 5), "epochs": 3}, "seed": turn,
        "steps": 100, "status": "done", "score": (number * 7919 % 10_007) / 10_007,
        "metric": "accuracy", "flop": 1e12 + number, "seconds": 2.0, "created": _NOW,
        "host": "host", "user": "user", "record": {"key": _key(number), **_RECORD},
    }  # fmt: skip
