"""Compares search runs on the validation rows that all of them have predicted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headstart.measure.compare import Comparison, compare
from headstart.measure.score import METRICS, score
from headstart.method.model import Hyperparameters
from headstart.method.watch import drawn, looks
from headstart.study.record import TrialRecord
from headstart.study.store import Store
from headstart.task.model import Task
from headstart.train.evaluate import Predictions

Rows = NDArray[np.int64]


def judged_rows(task: Task, values: Hyperparameters) -> Rows | None:
    """Return the validation rows that a search run with these settings is judged on.

    None for all of them: where there are few, where the run is long, or where it trains no steps.
    """
    count = len(task.validation)
    if "steps" not in values:
        return None
    judged = looks(values["steps"] * values["batch"], count, task.objective).judged
    return drawn(count, judged) if judged < count else None


def cut(predictions: Predictions, have: Rows | None, want: Rows | None) -> Predictions:
    """Return the predictions on ``want``, a part of the rows ``have``; None means all rows.

    Predictions on all rows are cut too where ``have`` says less: a finalist's, looked at as the
    search run that it was.
    """
    if want is None:
        return predictions
    places = want if have is None or len(predictions) > len(have) else np.searchsorted(have, want)
    if isinstance(predictions, list):
        return [predictions[place] for place in places]
    return predictions[places]


def whole(seen: Predictions, rows: Rows, rest: Predictions) -> Predictions:
    """Return the predictions on all rows: ``seen`` are those on ``rows``, ``rest`` all others'."""
    count = len(seen) + len(rest)
    places = np.argsort(np.concatenate([rows, others(rows, count)]), kind="stable")
    if isinstance(seen, list) or isinstance(rest, list):
        joined = [*seen, *rest]
        return [joined[place] for place in places]
    found: Predictions = np.concatenate([seen, rest])[places]
    return found


def others(rows: Rows, count: int) -> Rows:
    """Return the places of ``count`` rows that are not among ``rows``, in order."""
    return np.setdiff1d(np.arange(count), rows)


class Judge:
    """Scores and compares the trials of one study on validation.

    Args:
        task: What was learnt.
        metric: By which choices are made; higher is better.
        store: Where predictions are.
    """

    def __init__(self, task: Task, metric: str, store: Store) -> None:
        self.task, self.metric, self.store = task, metric, store

    def rows(self, record: TrialRecord) -> Rows | None:
        """Return the rows that a trial was judged on; None for all."""
        return judged_rows(self.task, record.hyperparameters)

    def score(self, record: TrialRecord, rows: Rows | None = None) -> float:
        """Return a trial's merit on ``rows``, by default those it was judged on.

        That is its score, with the sign that makes higher better.
        """
        merit = METRICS.get(self.metric).merit
        if rows is None:
            return merit(record.scores["validation"][self.metric].value)
        part = self.task.validation.take(rows.tolist())
        found = self._predictions(record, rows)
        return merit(
            score(self.task.objective, self.task.classes, part.targets, found, self.metric)
        )

    def shared(self, *records: TrialRecord) -> Rows | None:
        """Return the rows that all of these trials were judged on; None for all."""
        found = [rows for rows in map(self.rows, records) if rows is not None]
        return min(found, key=len, default=None)

    def against(self, record: TrialRecord, rival: TrialRecord) -> Comparison:
        """Compare the merit of a trial with another's, on the rows that both were judged on."""
        rows = self.shared(record, rival)
        part = self.task.validation
        targets = part.targets if rows is None else part.take(rows.tolist()).targets
        found = compare(
            self.task.objective,
            self.task.classes,
            targets,
            [self._predictions(record, rows)],
            [self._predictions(rival, rows)],
            self.metric,
        )
        return found.in_merit(self.metric)

    def share(self, record: TrialRecord) -> float:
        """Return the share of the validation rows that a trial was judged on."""
        rows = self.rows(record)
        return 1.0 if rows is None else len(rows) / len(self.task.validation)

    def _predictions(self, record: TrialRecord, rows: Rows | None) -> Predictions:
        found = self.store.predictions(record.key, "validation")
        return cut(found, self.rows(record), rows)
