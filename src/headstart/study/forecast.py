"""What the steps of a study that train nothing will take."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from headstart.study.arm import Arm
from headstart.study.bill import Bill, Price
from headstart.study.learnt import Learnt
from headstart.task.model import Input, Modality, Task
from headstart.train.embed import embed
from headstart.train.workbench import Workbench

TIMED = 96  # inputs on which the speed of a base is measured where none is known
HELD = 3.0  # times the bytes of its features that fitting a head holds


class Forecast:
    """Prices by what this machine took before; it learns from every step it watches.

    Args:
        bill: Where steps are charged.
        learnt: What this machine took before.
    """

    def __init__(self, bill: Bill, learnt: Learnt) -> None:
        self.bill, self.learnt = bill, learnt

    def features(self, bench: Workbench) -> Price:
        """Return what the features take that are not in the cache."""
        missing = bench.missing()
        units = _units(bench, missing)
        flop = units * bench.flop_per_unit
        if not missing:
            return Price(0.0)
        name = _features_name(bench)
        if self.learnt.amount(name, flop) is None:
            few = missing[:: max(1, len(missing) // TIMED)][:TIMED]
            embed(bench.pristine, few[:8])  # the first are slow
            started = time.monotonic()
            embed(bench.pristine, few)
            seconds = time.monotonic() - started
            self.learnt.learn(name, _units(bench, few) * bench.flop_per_unit, seconds)
        need = 4.0 * bench.card.width * len(missing)
        return Price(self.learnt.amount(name, flop), flop, need)

    @contextmanager
    def watch_features(self, bench: Workbench) -> Iterator[None]:
        """Charge the block that computes a base's features."""
        price = self.features(bench)
        with self._watched("features", bench.base, price, _features_name(bench), price.flop):
            yield

    def fit(self, task: Task, arm: Arm) -> Price:
        """Return what an arm takes that trains no steps."""
        name, units = _fit_size(task, arm)
        width = 0 if arm.bench is None else arm.bench.card.width
        rows = sum(len(part) for part in task.parts.values())
        return Price(self.learnt.amount(name, units), need=HELD * 4.0 * width * rows)

    @contextmanager
    def watch_fit(self, task: Task, arm: Arm) -> Iterator[None]:
        """Charge the block that fits such an arm."""
        name, units = _fit_size(task, arm)
        with self._watched("heads and baselines", arm.name, self.fit(task, arm), name, units):
            yield

    def curve(self, task: Task, arm: Arm) -> Price:
        """Return what a learning curve of such an arm takes."""
        name, units = _fit_size(task, arm)
        return Price(self.learnt.amount(f"curve {name}", units))

    @contextmanager
    def watch_curve(self, task: Task, arm: Arm) -> Iterator[None]:
        """Charge the block that measures it."""
        name, units = _fit_size(task, arm)
        price = self.curve(task, arm)
        with self._watched("learning curves", arm.name, price, f"curve {name}", units):
            yield

    @contextmanager
    def _watched(
        self, kind: str, step: str, price: Price, name: str, units: float
    ) -> Iterator[None]:
        with self.bill.step(kind, step, price):
            yield
        self.learnt.learn(name, units, self.bill.charges[-1].seconds)


def _units(bench: Workbench, inputs: list[Input]) -> int:
    if bench.task.modality is Modality.IMAGE:
        return len(inputs)
    encoder = bench.pristine
    return sum(encoder.size(sample) for sample in encoder.encode(inputs))


def _features_name(bench: Workbench) -> str:
    device = bench.pristine.device().type
    return f"features {bench.card.revision} {device}"


def _fit_size(task: Task, arm: Arm) -> tuple[str, float]:
    """Return what work of this size is called, and its units: numbers that are read."""
    outputs = round(math.log2(max(1, len(task.classes))))
    rows = len(task.train)
    if arm.bench is not None:
        return f"{arm.method.name} {outputs} {arm.bench.card.width}", float(rows)
    if task.modality is Modality.TEXT:
        rows = sum(len(str(item)) for item in task.train.inputs)
    return f"{arm.method.name} {outputs}", float(rows)
