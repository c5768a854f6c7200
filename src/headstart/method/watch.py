"""How much of validation a run looks at: while it trains, and at its end to be judged.

Predicting costs a third of training on the same row. On small budgets most runs are short, and
whole validation parts would cost more than the runs that they judge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.task.model import Objective

WATCHED = (150, 1000)  # fewest and most validation rows scored while training
WATCHED_SHARE = 1 / 10  # of the rows trained on
EVALUATIONS = (1, 8)  # fewest and most in a run, beside the one before its first step
WATCHING = 0.6  # rows scored for each row trained on: about a fifth of training's operations
JUDGED = 300  # fewest validation rows that a run is judged on: half an interval of 5 points
TEXTS = 1 / 10  # of these counts, where rows are texts that are to be said
JUDGED_SHARE = 1 / 4  # of the rows trained on


@dataclass(frozen=True)
class Looks:
    """Counts of validation rows and of times.

    Attributes:
        watched: Rows scored at each evaluation while training.
        evaluations: How often, beside the one before the first step.
        judged: Rows predicted at the end.
    """

    watched: int
    evaluations: int
    judged: int

    @property
    def scored(self) -> int:
        """Rows scored while training, all evaluations together."""
        return (self.evaluations + 1) * self.watched


def looks(trained: int, validation: int, objective: Objective | None = None) -> Looks:
    """Return how much of validation a run of so many trained rows looks at.

    Args:
        trained: Rows trained on, each as often as it was seen.
        validation: Rows there are.
        objective: Of texts a tenth will do: each has hundreds of tokens that are all scored.
    """
    rows = TEXTS if objective is Objective.TEXT else 1.0
    fewest, most = (round(rows * count) for count in WATCHED)
    watched = min(validation, most, max(fewest, int(WATCHED_SHARE * trained)))
    fewest, most = EVALUATIONS
    evaluations = min(most, max(fewest, int(WATCHING * trained / max(1, watched))))
    judged = min(validation, max(round(rows * JUDGED), int(JUDGED_SHARE * trained)))
    return Looks(watched, evaluations, judged)


def drawn(validation: int, count: int) -> NDArray[np.int64]:
    """Return the places of ``count`` rows, sorted: more rows hold those of fewer.

    The same for every run, so that runs are compared on the same rows.
    """
    if count >= validation:
        return np.arange(validation)
    return np.sort(np.random.default_rng(0).permutation(validation)[:count])
