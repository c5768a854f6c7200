"""How long the runs of a race are: they hang on the data only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from headstart.method.gradient import BATCH

MOST_EPOCHS = 10
FEWEST_CAP = 150  # steps that small data may take, however many epochs that makes
FEWEST_STEPS = 8  # below that a schedule means nothing
STRIDE = 3  # times the steps of the rung before


@dataclass(frozen=True)
class Ladder:
    """The rungs for a number of training rows.

    Whatever the budget, the same runs are made, and a study with a larger one finds those of a
    smaller in the ledger.
    """

    rows: int
    batch: int = BATCH

    @property
    def epoch(self) -> int:
        """Steps in which a run sees every row once."""
        return -(-self.rows // self.batch)

    @property
    def cap(self) -> int:
        """Steps of the longest run."""
        return max(MOST_EPOCHS * self.epoch, FEWEST_CAP)

    @cached_property
    def rungs(self) -> list[int]:
        """Steps of the rungs, the longest run last."""
        ninth = self.cap // STRIDE**2
        found = [ninth, STRIDE * ninth, self.cap]
        while found[0] // STRIDE >= FEWEST_STEPS:
            found.insert(0, found[0] // STRIDE)
        return [FEWEST_STEPS, *found] if found[0] >= 2 * FEWEST_STEPS else found

    @property
    def openings(self) -> list[int]:
        """Rungs that a race may begin with."""
        return [steps for steps in self.rungs if steps <= self.cap // STRIDE**2]

    def after(self, steps: int) -> int | None:
        """Return the rung above, or None at the top."""
        return next((rung for rung in self.rungs if rung > steps), None)
