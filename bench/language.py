"""Language models against transformers' Trainer (with peft for LoRA): useful tokens a second.

On the alpaca rows of ../shared/data, with the same tokens, labels and rows a step. A useful token
is one of a text, not of padding.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.data import SMOLLM, instructions
from headstart.method.model import METHODS, Setting
from headstart.progress import Silent
from headstart.train.benches import workbench
from headstart.train.cache import FeatureCache
from headstart.train.precision import training_dtype
from headstart.train.samples import batch_order

Row = dict[str, Any]
BATCH, STEPS, WARM = 8, 5, 2
PEERS = {"finetune": "full", "lora": "lora"}


def run(part: str = "") -> list[Row]:
    """Run one method, or all of :data:`PEERS`."""
    return [row for method in ([part] if part else PEERS) for row in _method(method)]


def _method(method: str) -> list[Row]:
    found: list[Row] = []
    ours = {half: _ours(method, half) for half in (False, True)}
    for half, words in ((False, "float32"), (True, "bfloat16")):
        peer = _peer(PEERS[method], half)
        rate = peer["tokens"] / peer["seconds"]
        for own, name in ((False, "float32"), (True, "bfloat16")):
            if own != half and not own:
                continue
            seconds, tokens = ours[own]
            found.append(
                {"what": f"headstart {method}, {name}, against {words}", "seconds": seconds,
                 "tokens_per_second": tokens / seconds, "ratio": tokens / seconds / rate}
            )  # fmt: skip
        found.append(
            {"what": f"Trainer {PEERS[method]}, {words}", "seconds": peer["seconds"],
             "tokens_per_second": rate, "ratio": 1.0}
        )  # fmt: skip
    return found


def _ours(method: str, half: bool) -> tuple[float, int]:
    """Return seconds and tokens of steps on batches drawn as training draws them."""
    task = instructions()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        bench = workbench(task, SMOLLM, FeatureCache(place / "cache"), place, Silent())
        values = METHODS.get(method)().search(task, bench, "bits_per_byte")[0]
        precision = str(training_dtype()).removeprefix("torch.") if half else "float32"
        values |= {"batch": BATCH, "steps": STEPS, "precision": precision}
        setting = Setting(task, bench, values, 0, "bits_per_byte", place)
        sizes = bench.samples("train").sizes
        batches = batch_order(sizes, BATCH, 0, 0)[: WARM + STEPS]
        seconds = METHODS.get(method)().step_seconds(setting, batches)[WARM:]
    return sum(seconds), sum(sizes[row] for rows in batches[WARM:] for row in rows)


def _peer(mode: str, half: bool) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.language_peer", mode, str(BATCH),
         "half" if half else "float", str(STEPS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
