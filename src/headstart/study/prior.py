"""What worked on similar tasks: which rates are worth a trial here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.ledger.rows import Outcome, SimilarTask
from headstart.method.model import Hyperparameters
from headstart.study.words import listed

NEIGHBOURS = 3  # tasks that are asked
NEAR = 1.0  # distance of summaries; unrelated tasks lie 1.2 and more apart, halves of one 0.3
FEWEST = 2  # similar tasks, below which their word is too little


@dataclass(frozen=True)
class Prior:
    """The best trials of similar tasks on one base.

    Attributes:
        tasks: The tasks, nearest first.
        outcomes: Their best trials by method.
    """

    tasks: Sequence[SimilarTask] = ()
    outcomes: Sequence[Outcome] = ()

    def settings(
        self, method: str, metric: str, settings: Sequence[Hyperparameters]
    ) -> tuple[list[Hyperparameters], str | None]:
        """Return the settings whose rate won on a similar task, and a sentence that says so.

        All of them where too few similar tasks are known, or none of their rates is among them.
        """
        won = {
            found.task: found.hyperparameters["rate"]
            for found in self.outcomes
            if found.method == method and found.metric == metric and "rate" in found.hyperparameters
        }
        kept = [setting for setting in settings if setting.get("rate") in won.values()]
        if len(won) < FEWEST or not kept or len(kept) == len(settings):
            return list(settings), None
        names = listed([task.name for task in self.tasks if task.fingerprint in won])
        rates = listed([f"{setting['rate']:.0e}" for setting in kept])
        return (
            kept,
            f"Only {rates} tried as rates: what won on similar tasks in the ledger ({names}).",
        )
