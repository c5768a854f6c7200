"""How fast this machine trains and predicts, measured on a task's own batches and remembered."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from headstart.files import digest
from headstart.method.gradient import BATCH
from headstart.method.model import Method, Setting
from headstart.task.model import Objective
from headstart.train.allocator import keep_memory
from headstart.train.precision import training_dtype
from headstart.train.recipe import EIGHT_BIT
from headstart.train.remember import forget, recall, remember
from headstart.train.samples import batch_order
from headstart.train.workbench import Workbench

FASTER = 1.2  # times, from which half precision is worth its rounding
BATCHES = 3  # that are timed, of different lengths
FEW = 2  # texts in a timed batch
LONG = 1e11  # operations of a pass over a batch, from which one batch is timed long enough
MOST_REPEATS = 20
PATIENCE = 0.5  # seconds, after which nothing is timed again
PRECISIONS = ("float32", "bfloat16")
BASE = ("predict", "watch", "precision")  # what is known of a base
METHOD = ("train",)  # and of a method on it


@dataclass(frozen=True)
class Speed:
    """How fast this machine works by one method with one base on inputs like a task's.

    Attributes:
        train: Operations a second of training steps.
        watch: Of predictions in the precision of training.
        predict: Of predictions in float32.
        precision: "bfloat16" where training is clearly faster in it, else "float32".
    """

    train: float
    watch: float
    predict: float
    precision: str

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "train": self.train,
            "watch": self.watch,
            "predict": self.predict,
            "precision": self.precision,
        }


def measured_speed(method: Method, setting: Setting, memory: Path) -> Speed:
    """Return the speed at which this machine trains a base by a method on a task.

    Measured once a machine and number of threads, base, method and usual length of an input,
    rounded to two digits, and kept in the file ``memory``, so that the same command gives the same
    study again.

    Args:
        method: One that trains steps.
        setting: Task, base, metric and a folder for what a run needs to keep.
        memory: File of what was measured before.
    """
    bench = setting.base
    of_base, of_method = _names(method, bench)
    known = [_usable(memory, of_base, BASE), _usable(memory, of_method, METHOD)]
    if None in known:
        setting.progress.say(f"measuring how fast this machine trains by {method.name}")
    base = _remembered(memory, of_base, BASE, lambda: _base_speed(bench))
    precision = str(base["precision"])
    trained = _remembered(
        memory, of_method, METHOD, lambda: {"train": _method_rate(method, setting, precision)}
    )
    return Speed(trained["train"], base["watch"], base["predict"], precision)


def forget_speed(method: Method, bench: Workbench, memory: Path) -> None:
    """Forget what was measured for a method on a base: the next study measures it again."""
    for name in _names(method, bench):
        forget(memory, name)


def _names(method: Method, bench: Workbench) -> tuple[str, str]:
    """Return under which names the speeds of a base and of a method on it are kept."""
    where = f"{bench.pristine.device().type}, {torch.get_num_threads()} threads"
    name = (bench.card.revision, where, str(_length(bench)))
    small = (EIGHT_BIT,) if method.name in bench.small else ()
    return digest(*name), digest(*name, method.name, f"{method.flop_factor(bench):.3f}", *small)


def _remembered(
    memory: Path, name: str, keys: Sequence[str], measure: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    known = _usable(memory, name, keys)
    if known is not None:
        return known
    measured = measure()
    known = _usable(
        memory, name, keys
    )  # of two studies that measure at once, the first is believed
    if known is None:
        remember(memory, name, measured)
    return known or measured


def _usable(memory: Path, name: str, keys: Sequence[str]) -> dict[str, Any] | None:
    """Return what was measured before, or None, also where the file is damaged."""
    found = recall(memory, name)
    if found is None or set(found) != set(keys):
        return None
    good = (v in PRECISIONS if key == "precision" else _is_rate(v) for key, v in found.items())
    return found if all(good) else None


def _is_rate(value: Any) -> bool:
    return isinstance(value, (int, float)) and value > 0 and math.isfinite(value)


def _length(bench: Workbench) -> int:
    """Return the power of two nearest to the mean size of an input."""
    sizes = bench.samples("train").sizes
    return round(math.log2(max(1.0, sum(sizes) / len(sizes))))


def _typical(bench: Workbench) -> list[list[int]]:
    """Return training batches as they come, from short to long; of one size, one batch."""
    sizes = bench.samples("train").sizes
    texts = bench.task.objective is Objective.TEXT
    order = batch_order(sizes, FEW if texts else BATCH, seed=0, epoch=0)
    whole = [rows for rows in order if len(rows) == len(order[0])]
    whole.sort(key=lambda rows: sum(sizes[row] for row in rows))
    if min(sizes) == max(sizes):
        return whole[:1]
    middle = whole[len(whole) // 2]
    if bench.flop_per_unit * sum(sizes[row] for row in middle) > LONG:
        return [middle]
    return [whole[len(whole) * (2 * place + 1) // (2 * BATCHES)] for place in range(BATCHES)]


def _base_speed(bench: Workbench) -> dict[str, Any]:
    """Time predictions, and training in bfloat16 where the machine may multiply it faster."""
    keep_memory()
    batches = _typical(bench)
    device = bench.pristine.device()
    precision = "float32"
    if training_dtype(device) is torch.bfloat16:
        middle = batches[len(batches) // 2]
        plain, half = (
            _step_seconds(bench, middle, dtype) for dtype in (torch.float32, torch.bfloat16)
        )
        precision = "bfloat16" if plain / half >= FASTER else "float32"
    return {
        "predict": _prediction_rate(bench, batches, torch.float32),
        "watch": _prediction_rate(bench, batches, getattr(torch, precision)),
        "precision": precision,
    }


def _prediction_rate(bench: Workbench, batches: list[list[int]], dtype: torch.dtype) -> float:
    samples, network = bench.samples("train"), bench.network_for_timing()
    rows = [row for batch in batches for row in batch]
    flop = bench.flop_per_unit * sum(samples.sizes[row] for row in rows)
    bench.passed(network, rows[: len(batches[0])], dtype)  # the first is slow
    return _rounded(flop / _least(lambda: bench.passed(network, rows, dtype)))


def _method_rate(method: Method, setting: Setting, precision: str) -> float:
    """Return operations a second of a method's own steps, as its price counts them."""
    bench = setting.base
    batches, sizes = _typical(bench), bench.samples("train").sizes
    values = {
        **method.search(setting.task, bench, setting.metric)[0],
        "steps": len(batches),
        "precision": precision,
        "schedule": "linear",
        **({"moments": EIGHT_BIT} if method.name in bench.small else {}),
    }
    setting = replace(setting, hyperparameters=values)
    # Later visits count: what is computed once an input has its own price. Of two, the faster.
    seconds = method.step_seconds(setting, [*batches, *batches, *batches])
    visits = [seconds[len(batches) * visit :][: len(batches)] for visit in (1, 2)]
    least = sum(map(min, *visits))
    units = sum(sizes[row] for rows in batches for row in rows)
    return _rounded(method.flop_factor(bench) * bench.flop_per_unit * units / least)


def _step_seconds(bench: Workbench, rows: list[int], dtype: torch.dtype) -> float:
    """Return the seconds of forward and backward passes on these rows."""
    network = bench.network_for_timing()
    device = bench.pristine.device()
    batch = network.collate(bench.samples("train").take(rows))
    moved = tuple({k: v.to(device) for k, v in side.items()} for side in batch)

    def step() -> None:
        with torch.autocast(device.type, dtype, enabled=dtype is not torch.float32):
            logits = network(moved)
        torch.autograd.backward(logits.float().sum())
        network.zero_grad(set_to_none=True)

    step()
    return _least(step)


def _least(work: Callable[[], object]) -> float:
    """Return the seconds of the fastest run: what else ran just then is no speed of ours."""
    seconds: list[float] = []
    while sum(seconds) < PATIENCE and len(seconds) < MOST_REPEATS:
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def _rounded(rate: float) -> float:
    """Return the rate to two significant digits."""
    return float(f"{rate:.1e}")
