"""Fine-tuning against transformers' Trainer: tokens a second, time to its accuracy, kept states.

``python -m bench finetune:speed`` runs one part: ``speed``, ``half`` (the Trainer told to use
bfloat16), ``top`` (lora-top from kept states, without, and by the Trainer), ``accuracy`` (time to
what the Trainer reaches in three epochs). ``finetune:epoch`` trains the Trainer one epoch further,
some minutes each; ``accuracy`` compares with those epochs once there are three, else with a
recorded run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from bench.data import task
from bench.trainer import EPOCHS
from headstart.method.model import METHODS, Setting
from headstart.method.probe import probe_head
from headstart.progress import Silent
from headstart.train.cache import FeatureCache
from headstart.train.precision import training_dtype
from headstart.train.samples import batch_order
from headstart.train.workbench import Workbench

Row = dict[str, Any]
STEPS = 24
WARM = 4
VISITS = 3  # of the same batches, where the first is to keep states
BATCH = 32
PEERS = {"finetune": "full", "lora": "lora"}
EPOCHS_FOLDER = Path(tempfile.gettempdir()) / "headstart-bench-trainer"
RECORDED = {"seconds": 776.0, "accuracy": 0.788}  # ../shared/peers.md: another machine, float32


def run(part: str = "") -> list[Row]:
    """Run one part, or all but the Trainer's epochs."""
    parts = {
        "speed": lambda: [row for batch in (16, 32) for row in _speed(batch, half=False)],
        "half": lambda: _speed(16, half=True),
        "top": _top,
        "accuracy": _accuracy,
        "epochs": _epochs,
    }
    chosen = [part] if part else ["speed", "half", "top", "accuracy"]
    return [row for name in chosen for row in parts[name]()]


def _bench(folder: Path) -> Workbench:
    return Workbench(task(), "bundled:minilm-l6", FeatureCache(folder / "cache"), folder, Silent())


def _setting(bench: Workbench, method: str, batch: int, folder: Path, steps: int) -> Setting:
    values = METHODS.get(method)().search(bench.task, bench, "accuracy")[0]
    precision = str(training_dtype()).removeprefix("torch.")
    more = {"batch": batch, "steps": steps, "precision": precision}
    return Setting(bench.task, bench, {**values, **more}, 0, "accuracy", folder)


def _spread(bench: Workbench, batch: int) -> tuple[list[list[int]], int]:
    """Return batches from the shortest to the longest of an epoch, and their tokens."""
    sizes = bench.samples("train").sizes
    order = [rows for rows in batch_order(sizes, batch, 0, 0) if len(rows) == batch]
    order.sort(key=lambda rows: sum(sizes[row] for row in rows))
    chosen = [order[len(order) * (2 * place + 1) // (2 * STEPS)] for place in range(STEPS)]
    return chosen, sum(sizes[row] for rows in chosen for row in rows)


def _speed(batch: int, *, half: bool) -> list[Row]:
    """Useful tokens a second of training steps."""
    found: list[Row] = []
    for method, mode in PEERS.items():
        peer = _peer(mode, batch, half, STEPS)
        rate = peer["tokens"] / peer["seconds"]
        with tempfile.TemporaryDirectory() as folder:
            bench = _bench(Path(folder))
            setting = _setting(bench, method, batch, Path(folder), STEPS)
            chosen, tokens = _spread(bench, batch)
            timed = METHODS.get(method)().step_seconds(setting, [*chosen[:WARM], *chosen])
        seconds = sum(timed[WARM:])
        precision = setting.hyperparameters["precision"]
        where = f"{bench.task.name}, batch {batch}"
        found += [
            {"what": f"headstart {method}, {precision}, {where}", "seconds": seconds,
             "tokens_per_second": tokens / seconds, "ratio": tokens / seconds / rate},
            {"what": f"Trainer {mode}, {'bfloat16' if half else 'float32'}, {where}",
             "seconds": peer["seconds"], "tokens_per_second": rate, "ratio": 1.0},
        ]  # fmt: skip
    return found


def _peer(mode: str, batch: int, half: bool, *rest: int, folder: Path | None = None) -> Any:
    with tempfile.TemporaryDirectory() as temporary:
        where = str(folder or temporary)
        precision = "half" if half else "float"
        done = subprocess.run(
            [sys.executable, "-m", "bench.trainer", mode, str(batch), precision, where,
             *map(str, rest)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def _top() -> list[Row]:
    """Three visits of the same batches by lora-top: states kept on the first, and not kept."""
    peer = _peer("lora-top", BATCH, False, STEPS)
    timed: dict[bool, list[float]] = {}
    for kept in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            bench = _bench(Path(folder))
            chosen, tokens = _spread(bench, BATCH)
            if not kept:
                mock.patch.object(bench, "boundary", return_value=None).start()
            setting = _setting(bench, "lora-top", BATCH, Path(folder), STEPS)
            batches = [*[chosen[-1]] * WARM, *chosen * VISITS]
            each = METHODS.get("lora-top")().step_seconds(setting, batches)[WARM:]
        timed[kept] = np.reshape(each, (VISITS, -1)).sum(axis=1).tolist()
    later = {kept: float(np.mean(seconds[1:])) for kept, seconds in timed.items()}
    whole, three = sum(timed[False]), sum(timed[True])
    name = f"lora-top, batch {BATCH}, {tokens} tokens"
    by_trainer = peer["seconds"] / peer["tokens"] * tokens
    return [
        {"what": f"{name}: later epochs, kept states", "seconds": later[True],
         "ratio": later[False] / later[True], "ratio_to_trainer": by_trainer / later[True]},
        {"what": f"{name}: later epochs, whole passes", "seconds": later[False], "ratio": 1.0},
        {"what": f"{name}: three epochs, states kept in the first", "seconds": three,
         "ratio": whole / three, "ratio_to_trainer": 3 * by_trainer / three},
        {"what": f"{name}: three epochs, whole passes", "seconds": whole, "ratio": 1.0},
        {"what": f"{name}: Trainer + peft on the top half, float32", "seconds": by_trainer,
         "ratio": later[False] / by_trainer},
    ]  # fmt: skip


def _accuracy() -> list[Row]:
    """Time to a test accuracy at least the Trainer's, features included: probe, then few steps."""
    told = EPOCHS_FOLDER / "epochs.json"
    peer = json.loads(told.read_text()) if told.is_file() else {"seconds": []}
    here = len(peer["seconds"]) == 3
    seconds = sum(peer["seconds"]) if here else RECORDED["seconds"]
    reached = peer["accuracy"][-1] if here else RECORDED["accuracy"]
    with tempfile.TemporaryDirectory() as folder:
        bench = _bench(Path(folder))
        setting = _setting(bench, "finetune", BATCH, Path(folder), STEPS)
        began = time.perf_counter()
        head = probe_head(bench.task, bench, "accuracy")
        started = time.perf_counter() - began
        fitted = METHODS.get("finetune")().fit(setting)
        taken = time.perf_counter() - began
        targets = np.asarray(bench.task.test.targets)
        features = np.asarray(bench.features("test").values)
        start = float(((features @ head.weight.T + head.bias).argmax(-1) == targets).mean())
        end = float((fitted.test().argmax(-1) == targets).mean())
    where = "bfloat16, this machine" if here else "float32, recorded on another machine"
    return [
        {"what": f"headstart's start of finetune, the probe, test accuracy {start:.1%}",
         "seconds": started, "ratio": seconds / started, "reached": start >= reached},
        {"what": f"headstart finetune from it, {STEPS} steps, test accuracy {end:.1%}",
         "seconds": taken, "ratio": seconds / taken, "reached": end >= reached},
        {"what": f"Trainer, 3 epochs, {where}, test accuracy {reached:.1%}",
         "seconds": seconds, "ratio": 1.0},
    ]  # fmt: skip


def trained_epochs() -> dict[str, list[float]]:
    """Return the Trainer's seconds and test accuracies, epoch by epoch, in its faster way here.

    What earlier calls trained is kept in :data:`EPOCHS_FOLDER`.
    """
    known: dict[str, list[float]] = {"seconds": []}
    while len(known["seconds"]) < EPOCHS:
        known = _peer("epoch", 16, True, folder=EPOCHS_FOLDER)
    return known


def _epochs() -> list[Row]:
    known = trained_epochs()
    return [
        {"what": f"Trainer, bfloat16, batch 16, epoch {place + 1}", "seconds": seconds,
         "accuracy": accuracy, "ratio": 1.0}
        for place, (seconds, accuracy) in enumerate(
            zip(known["seconds"], known["accuracy"], strict=True)
        )
    ]  # fmt: skip
