"""Scores as study.json holds them: every metric of the objective, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.measure.interval import Interval, bootstrap
from headstart.measure.score import metrics
from headstart.study.record import ScoreRecord
from headstart.task.model import Part, Task
from headstart.train.evaluate import Predictions

DIGITS = 6  # kept of a score: enough to compare, too few for float noise to show


def score_record(interval: Interval) -> ScoreRecord:
    """Return the interval, rounded."""
    return ScoreRecord(
        value=round(interval.value, DIGITS),
        low=round(interval.low, DIGITS),
        high=round(interval.high, DIGITS),
    )


def all_scores(
    task: Task, part: Part, predictions: Sequence[Predictions], metric: str
) -> dict[str, ScoreRecord]:
    """Return every metric of the task, the one that choices go by first.

    Args:
        task: Settles the objective.
        part: The rows that were predicted.
        predictions: One set a seed.
        metric: What choices go by.
    """
    names = [metric, *(m for m in metrics(task.objective, task.classes) if m != metric)]
    return {
        name: score_record(bootstrap(task.objective, task.classes, part.targets, predictions, name))
        for name in names
    }
