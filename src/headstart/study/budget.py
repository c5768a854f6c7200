"""What a study may cost: operations, or time turned into operations by a measured rate."""

from __future__ import annotations

import json
import math
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from headstart.errors import RequestError
from headstart.files import digest, write_json
from headstart.train.allocator import keep_memory
from headstart.train.precision import training_dtype
from headstart.train.workbench import Workbench

DEFAULT = "10min"
_FORM = re.compile(r"^\s*([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*([a-z]+)\s*$", re.IGNORECASE)
_SECONDS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0,
    "h": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0,
}  # fmt: skip
_FLOP = {"flop": 1.0, "gflop": 1e9, "tflop": 1e12, "pflop": 1e15}
LONGEST, MOST = 1e9, 1e30  # seconds, operations: beyond that it is a slip of the hand
_BATCH = 32
_STEPS = 4
FASTER = 1.2  # times, from which half precision is worth its rounding
_PATIENCE = 1.0  # seconds that the measurement of the rate takes at least


@dataclass(frozen=True)
class Budget:
    """A limit on training; exactly one of the two is set.

    Attributes:
        seconds: Wall-clock time.
        flop: Operations; the same decision every time, on every machine.
    """

    seconds: float | None = None
    flop: float | None = None

    def record(self) -> dict[str, Any]:
        """Return what study.json says of it."""
        return {"seconds": self.seconds, "flop": self.flop}


def parse_budget(text: str) -> Budget:
    """Return the budget that ``text`` names: "10min", "1.5h", "90s", "5e15flop".

    Raises:
        RequestError: It names none.
    """
    match = _FORM.match(text)
    unit = match.group(2).lower() if match else ""
    if unit not in {*_SECONDS, *_FLOP} and len(unit) > 2:  # "mins", "hours"; "ms" are no minutes
        unit = unit.removesuffix("s")
    amount = float(match.group(1)) if match else 0.0
    amount *= {**_SECONDS, **_FLOP}.get(unit, 0)
    if not 0 < amount < (LONGEST if unit in _SECONDS else MOST):
        raise RequestError(
            f"'{text}' is no budget", where="--budget", mend="type e.g. 10min, 2h, or 5e15flop"
        )
    if unit in _SECONDS:
        return Budget(seconds=amount)
    return Budget(flop=amount)


@dataclass(frozen=True)
class Speed:
    """How this machine trains a base on a task.

    Attributes:
        rate: Operations a second.
        precision: "bfloat16" where that is clearly faster here, else "float32".
    """

    rate: float
    precision: str

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"rate": self.rate, "precision": self.precision}


def training_speed(bench: Workbench, memory: Path) -> Speed:
    """Return the speed at which this machine trains this base on this task.

    Measured once, the rate rounded to one significant digit, and kept in the file ``memory``, so
    that the same command gives the same study again.
    """
    name = digest(bench.card.revision, bench.pristine.device().type, str(_length(bench)))
    known = _known(memory, name)
    if known is not None:
        return known
    measured = _measured(bench)
    known = _known(memory, name)  # of two studies that measure at once, the first is believed
    if known is None:
        write_json(memory, {**_read(memory), name: measured.record()})
    return known or measured


def _known(memory: Path, name: str) -> Speed | None:
    """Return what was measured before, or None, also where the file is damaged."""
    try:
        found = Speed(**_read(memory)[name])
        usable = found.rate > 0 and found.precision in ("float32", "bfloat16")
    except (KeyError, TypeError):
        return None
    return found if usable else None


def _length(bench: Workbench) -> int:
    """Return the power of two nearest to the mean size of an input."""
    sizes = bench.samples("train").sizes
    return round(math.log2(max(1.0, sum(sizes) / len(sizes))))


def _measured(bench: Workbench) -> Speed:
    """Time training steps in float32, and in bfloat16 where the machine multiplies it faster."""
    keep_memory()
    plain = _step_seconds(bench, torch.float32)
    seconds, precision = plain, "float32"
    if training_dtype(bench.pristine.device()) is torch.bfloat16:
        mixed = _step_seconds(bench, torch.bfloat16)
        if plain / mixed >= FASTER:
            seconds, precision = mixed, "bfloat16"
    sizes = bench.samples("train").sizes
    units = sum(sizes[: min(_BATCH, len(sizes))])
    return Speed(_rounded(3.0 * units * bench.flop_per_unit / seconds), precision)


def _step_seconds(bench: Workbench, dtype: torch.dtype) -> float:
    """Return the seconds of the fastest of a few training steps on the first rows."""
    samples = bench.samples("train")
    rows = list(range(min(_BATCH, len(samples))))
    network = bench.network_for_timing()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.0, fused=True)
    device = bench.pristine.device()
    batch = network.collate(samples.take(rows))
    moved = tuple({k: v.to(device) for k, v in side.items()} for side in batch)
    steps: list[float] = []
    began = time.perf_counter()
    while len(steps) < _STEPS or time.perf_counter() - began < _PATIENCE:
        started = time.perf_counter()
        with torch.autocast(device.type, dtype, enabled=dtype is not torch.float32):
            logits = network(moved)
        torch.autograd.backward(logits.float().sum())
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        steps.append(time.perf_counter() - started)
    # The fastest: what else ran on the machine just then is no property of the machine.
    return min(steps)


def _rounded(rate: float) -> float:
    scale = 10 ** math.floor(math.log10(rate))
    return float(round(rate / scale) * scale)


def _read(memory: Path) -> dict[str, Any]:
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
