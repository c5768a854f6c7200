"""What is left of a budget, and what a run will take from it, said before it starts."""

from __future__ import annotations

from dataclasses import dataclass, field

from headstart.files import digest
from headstart.study.arm import Arm
from headstart.study.budget import Budget, Speed, training_speed
from headstart.study.store import Store
from headstart.train.cache import default_root

TRAINING_SHARE = 0.8  # of a time budget; the rest pays for features, learning curve and report
WATCHED = 1.2  # validation rows scored while training cost a fifth of it
FULL_PRECISION = 2.0  # predictions are made in float32: an operation takes longer than in training


@dataclass
class Purse:
    """A budget in its own unit: seconds of this machine, or operations.

    A run is charged what it is predicted to cost, not what it took, and known results are charged
    like new ones: the same command buys the same runs on a busy machine, after a kill, and with
    results that somebody paid for already.

    Attributes:
        total: What there was.
        timed: Whether the unit is seconds.
        speeds: How this machine trains each base, by the base's revision.
        spent: What was charged.
    """

    total: float
    timed: bool
    speeds: dict[str, Speed]
    spent: float = field(default=0.0)

    @property
    def left(self) -> float:
        """What is left."""
        return self.total - self.spent

    def speed(self, arm: Arm) -> Speed:
        """Return how this machine trains the arm's base."""
        assert arm.bench is not None
        return self.speeds[arm.bench.card.revision]

    def price(self, arm: Arm, batch: int, steps: float, *, test: bool = False) -> float:
        """Return what a run of so many steps costs with its scoring, in the purse's unit.

        Args:
            arm: Whose run.
            batch: Rows a step.
            steps: Number of them.
            test: Whether the test rows are predicted too.
        """
        assert arm.bench is not None
        parts = ["validation", "test"] if test else ["validation"]
        scored = sum(arm.bench.units(part) for part in parts) * arm.bench.flop_per_unit
        flop = WATCHED * steps * step_flop(arm, batch) + FULL_PRECISION * scored
        return flop / self.speed(arm).rate if self.timed else flop

    def pay(self, amount: float) -> None:
        """Take ``amount``."""
        self.spent += amount


def step_flop(arm: Arm, batch: int) -> float:
    """Return the operations of one training step on rows of mean length."""
    assert arm.bench is not None
    rows = len(arm.bench.task.train)
    unit = arm.bench.flop_per_unit * arm.bench.units("train") / rows
    return arm.method.flop_factor(arm.bench) * unit * min(batch, rows)


def purse_of(budget: Budget, arms: list[Arm], store: Store) -> Purse:
    """Return the training share of a budget; speeds are those the study began with."""
    speeds = {}
    for arm in arms:
        assert arm.bench is not None
        revision = arm.bench.card.revision
        if revision not in speeds:
            note = f"speed-{digest(revision)[:16]}"
            known = store.read_note(note)
            if known is None:
                memory = default_root().parent / "speeds.json"
                known = training_speed(arm.bench, memory).record()
                store.write_note(note, known)
            speeds[revision] = Speed(**known)
    if budget.flop is not None:
        return Purse(budget.flop, timed=False, speeds=speeds)
    assert budget.seconds is not None
    return Purse(TRAINING_SHARE * budget.seconds, timed=True, speeds=speeds)
