"""A race in which nothing is trained: what it would cost if nobody were stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from headstart.method.model import Hyperparameters
from headstart.study.arm import Arm
from headstart.study.bill import Price
from headstart.study.purse import Purse
from headstart.study.race import READING, Race
from headstart.study.record import RatePoint, ScoreRecord, TrialRecord
from headstart.study.trial import NO_COST, Context, Trial


@dataclass(frozen=True)
class Run:
    """A run that a race would make.

    Attributes:
        arm: Name of the method, with its base where there are several.
        steps: Its length.
        seed: Of everything random.
        final: Whether it reads the test rows.
        price: What it takes.
        known: Whether the ledger holds it already.
    """

    arm: str
    steps: int
    seed: int
    final: bool
    price: Price
    known: bool


class Rehearsal(Race):
    """Goes through the rungs, the controls' runs and the seeds as a race does.

    All runs score the same, so that the first arm wins, and no untrained arm is there to stop
    one: as far as the purse goes. A real race may stop sooner, or take other arms up.

    Attributes:
        runs: What would be run, in order.
    """

    def __init__(self, context: Context, purse: Purse, arms: list[Arm]) -> None:
        super().__init__(context, purse, [], arms)
        self.runs: list[Run] = []

    def _in_range(
        self, arm: Arm, settings: list[Hyperparameters], share: float
    ) -> tuple[list[Hyperparameters], list[RatePoint]]:
        return settings, []

    def _settle(self, arm: Arm) -> None:
        done = [trial for trial in arm.trials if trial.status == "done"]
        if done:
            best = max(done, key=lambda trial: trial.hyperparameters["steps"])
            self.winners[arm] = self.asked[best.key]
            price = self._said(arm, self.purse.reading(arm, self.winners[arm]), READING)
            arm.keep(self._try(arm.trial(self.asked[best.key], best.seed), price, final=True))

    def _try(
        self,
        trial: Trial,
        price: Price,
        *,
        final: bool = False,
        rate_finder: list[RatePoint] | None = None,
    ) -> TrialRecord:
        arm = next(a for a in self.arms if (a.method, a.bench) == (trial.method, trial.bench))
        steps = trial.hyperparameters["steps"]
        key = trial.key(self.context.task, self.context.metric)
        known = self.context.memory is not None and self.context.memory.has(key, final=final)
        self.runs.append(Run(arm.name, steps, trial.seed, final, price, known))
        status: Literal["finalist", "done"] = "finalist" if final else "done"
        same = ScoreRecord(value=0.5, low=0.5, high=0.5)
        return TrialRecord(
            key=key,
            base=None,
            base_revision=None,
            method=trial.method.name,
            hyperparameters=trial.hyperparameters,
            seed=trial.seed,
            status=status,
            scores={"validation": {self.context.metric: same}},
            cost=NO_COST,
        )
