"""What is left of a budget, and what a run will take from it, said before it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from headstart.files import digest
from headstart.method.model import Hyperparameters, Setting
from headstart.method.watch import looks
from headstart.study.arm import Arm
from headstart.study.budget import Budget
from headstart.study.speed import Speed, forget_speed, measured_speed
from headstart.study.trial import Context, Trial
from headstart.train.cache import default_root
from headstart.train.recompute import FACTOR

TRAINING_SHARE = 0.8  # of a time budget; the rest pays for features, learning curve and report
DOUBTED = 0.6  # of the predicted seconds: a run that took less was not priced on a quiet machine
SHORTEST = 2.0  # seconds of a run that says something of the machine


@dataclass(frozen=True)
class Work:
    """Seconds on this machine, and operations."""

    seconds: float
    flop: float

    @classmethod
    def at(cls, rate: float, flop: float) -> Work:
        """Return so many operations at so many a second."""
        return cls(flop / rate, flop)

    def __add__(self, other: Work) -> Work:
        return Work(self.seconds + other.seconds, self.flop + other.flop)


@dataclass
class Purse:
    """A budget in its own unit: seconds of this machine, or operations.

    A run is charged what it is predicted to cost, not what it took, and known results are charged
    like new ones: the same command buys the same runs on a busy machine, after a kill, and with
    results that somebody paid for already.

    Attributes:
        total: What there was.
        timed: Whether the unit is seconds.
        measure: Returns how fast this machine trains an arm; asked once for each.
        spent: What was charged.
    """

    total: float
    timed: bool
    measure: Callable[[Arm], Speed]
    spent: float = 0.0
    speeds: dict[str, Speed] = field(default_factory=dict)

    @property
    def left(self) -> float:
        """What is left."""
        return self.total - self.spent

    def speed(self, arm: Arm) -> Speed:
        """Return how this machine trains the arm."""
        name = speed_name(arm)
        if name not in self.speeds:
            self.speeds[name] = self.measure(arm)
        return self.speeds[name]

    def price(self, arm: Arm, batch: int, steps: int, *, final: bool = False) -> float:
        """Return what a run of so many steps costs with its scoring, in the purse's unit.

        Args:
            arm: Whose run.
            batch: Rows a step.
            steps: Number of them.
            final: Whether it predicts all validation and test rows, or only those that a search
                run is judged on.
        """
        return self.in_unit(self.run(arm, batch, steps, final=final))

    def final_price(self, arm: Arm) -> float:
        """Return what it costs to predict all validation and test rows."""
        return self.in_unit(self.reading(arm))

    def in_unit(self, work: Work) -> float:
        """Return what work costs, in the purse's unit."""
        return work.seconds if self.timed else work.flop

    def run(self, arm: Arm, batch: int, steps: int, *, final: bool) -> Work:
        """Return the work of a run, as for :meth:`price`."""
        assert arm.bench is not None
        rows, speed = len(arm.bench.task.validation), self.speed(arm)
        task = arm.bench.task
        row, seen = row_flop(arm, "validation"), looks(steps * batch, rows, task.objective)
        once, trained = arm.method.once_factor(arm.bench), len(arm.bench.task.train)
        below = once * min(steps * batch, trained) * row_flop(arm, "train")
        below += once * seen.watched * row
        work = Work.at(speed.train, steps * step_flop(arm, batch))
        work += Work.at(speed.watch, below + (1.0 - once) * seen.scored * row)
        return work + (self.reading(arm) if final else Work.at(speed.predict, seen.judged * row))

    def reading(self, arm: Arm, seen: Hyperparameters | None = None) -> Work:
        """Return the work of predicting all validation and test rows.

        Args:
            arm: Whose model.
            seen: Settings of the search run that it was: what that was judged on is known.
        """
        assert arm.bench is not None
        flop = arm.bench.flop_per_unit * (arm.bench.units("validation") + arm.bench.units("test"))
        if seen is not None:
            task = arm.bench.task
            trained = seen["steps"] * seen["batch"]
            judged = looks(trained, len(task.validation), task.objective).judged
            flop -= judged * row_flop(arm, "validation")
        return Work.at(self.speed(arm).predict, max(0.0, flop))

    def pay(self, amount: float) -> None:
        """Take ``amount``."""
        self.spent += amount


def step_flop(arm: Arm, batch: int) -> float:
    """Return the operations of one training step on rows of mean length."""
    assert arm.bench is not None
    rows = min(batch, len(arm.bench.task.train))
    again = FACTOR if arm.method.name in arm.bench.again else 1.0
    return again * arm.method.flop_factor(arm.bench) * row_flop(arm, "train") * rows


def row_flop(arm: Arm, part: str) -> float:
    """Return the operations of a forward pass on a row of mean length."""
    assert arm.bench is not None
    rows = len(arm.bench.samples(part) if part == "train" else arm.bench.task.parts[part])
    return arm.bench.flop_per_unit * arm.bench.units(part) / rows


def speed_name(arm: Arm) -> str:
    """Return the name of a base and a method."""
    assert arm.bench is not None
    return f"{arm.bench.card.revision}/{arm.method.name}"


def doubt(trial: Trial, predicted: float | None, seconds: float) -> None:
    """Forget a speed by which a run was to take far longer than it took.

    It was measured while the machine had other work, and would be believed for good.
    """
    if trial.bench is not None and SHORTEST <= seconds < DOUBTED * (predicted or 0.0):
        forget_speed(trial.method, trial.bench, _memory())


def _memory() -> Path:
    return default_root().parent / "speeds.json"


def purse_of(budget: Budget, context: Context) -> Purse:
    """Return the training share of a budget; speeds are those the study began with."""

    def measure(arm: Arm) -> Speed:
        assert arm.bench is not None
        note = f"speed-{digest(speed_name(arm))[:16]}"
        known = context.store.read_note(note)
        if known is None:
            folder = context.store.trial_work(note)
            setting = Setting(context.task, arm.bench, {}, 0, context.metric, folder)
            known = measured_speed(arm.method, setting, _memory()).record()
            context.store.write_note(note, known)
        return Speed(**known)

    if budget.flop is not None:
        return Purse(budget.flop, timed=False, measure=measure)
    assert budget.seconds is not None
    return Purse(TRAINING_SHARE * budget.seconds, timed=True, measure=measure)
