"""What each step of a study was predicted to take, and what it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from headstart.measure.memory import Peak, resident_bytes
from headstart.study.learnt import Learnt

TOLD = 1e8  # bytes, below which a process's own comings and goings drown them
LEAST = 1e-3  # seconds, that anything takes
BESIDE = 2.0  # times its tensors, what a process holds, where nothing was learnt


@dataclass(frozen=True)
class Price:
    """What a step will take.

    Attributes:
        seconds: Wall-clock on this machine; None where nothing of the kind was measured here.
        flop: Operations.
        need: Bytes of tensors beside what the process holds before any step.
        beside: Of the seconds, those that go to no operations: copying weights, saving models.
        like: What work of its sort is called, of which that is learnt.
    """

    seconds: float | None
    flop: float = 0.0
    need: float = 0.0
    beside: float = 0.0
    like: str = ""


@dataclass(frozen=True)
class Charge:
    """A step that was done.

    Attributes:
        kind: What steps of its sort are called.
        name: Which one.
        price: What it was predicted to take.
        seconds: What it took.
        predicted_bytes, bytes: Most that the process held meanwhile; None where not known.
    """

    kind: str
    name: str
    price: Price
    seconds: float
    predicted_bytes: int | None
    bytes: int | None


@dataclass
class Bill:
    """The charges of one process, in order.

    What a process holds is more than its tensors: kernels' scratch, and pages that the allocator
    keeps. How much more is learnt.

    Attributes:
        learnt: What this machine took before.
        charges: What was done.
        held: Bytes that the process held before the first step.
    """

    learnt: Learnt = field(default_factory=Learnt)
    charges: list[Charge] = field(default_factory=list)
    held: int | None = None

    @contextmanager
    def step(self, kind: str, name: str, price: Price) -> Iterator[None]:
        """Time the block and watch its memory."""
        before = resident_bytes()
        if self.held is None:
            self.held = before
        predicted = None if before is None else self._predicted(kind, price, before)
        peak, started = Peak(), time.monotonic()
        yield
        seconds, found = time.monotonic() - started, peak.bytes()
        if found is not None and found > (before or 0) and price.need >= TOLD:
            self.learnt.learn(f"memory {kind}", price.need, found - (self.held or 0))
        if price.like and price.seconds is not None:
            operations = price.seconds - price.beside
            self.learnt.learn(f"beside {price.like}", 1.0, max(seconds - operations, LEAST))
        self.charges.append(Charge(kind, name, price, seconds, predicted, found))

    def beside(self, like: str) -> float:
        """Return the seconds that such work took here beside its operations, of late."""
        return self.learnt.amount(f"beside {like}", 1.0) or 0.0

    def _predicted(self, kind: str, price: Price, before: int) -> int:
        assert self.held is not None
        more = self.learnt.amount(f"memory {kind}", price.need) if price.need >= TOLD else None
        return max(before, int(self.held + (BESIDE * price.need if more is None else more)))
