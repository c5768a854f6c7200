"""One arm at one rate, on its way up through a race."""

from __future__ import annotations

from dataclasses import dataclass, field

from headstart.method.model import Hyperparameters
from headstart.study.arm import Arm
from headstart.study.record import RatePoint, TrialRecord


@dataclass(eq=False)
class Runner:
    """One arm at one rate, on its way up.

    Attributes:
        arm: Whose.
        setting: Hyperparameters but for the steps.
        runs: (steps, record) of what finished, shortest first.
        rate_finder: A range test to show with the first run.
    """

    arm: Arm
    setting: Hyperparameters
    runs: list[tuple[int, TrialRecord]] = field(default_factory=list)
    rate_finder: list[RatePoint] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Length of the longest run."""
        return self.runs[-1][0]

    @property
    def label(self) -> str:
        """Return e.g. "lora at rate 1e-03"."""
        return f"{self.arm.name} at rate {self.setting['rate']:.0e}"


def middle_rates(runners: list[Runner]) -> list[Runner]:
    """Return one runner an arm: the one in the middle of its rates."""
    arms = {id(runner.arm): runner.arm for runner in runners}
    found = []
    for arm in arms.values():
        own = [runner for runner in runners if runner.arm is arm]
        found.append(own[len(own) // 2])
    return found
