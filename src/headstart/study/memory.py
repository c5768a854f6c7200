"""What the ledger knows of a study's trials, and what the study adds to it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.errors import HeadstartError, RequestError
from headstart.ledger.distance import summary
from headstart.ledger.rows import KnownTrial, TaskEntry, TrialEntry
from headstart.method.heads import flat
from headstart.progress import Progress, Silent
from headstart.study.prior import NEAR, NEIGHBOURS, Prior
from headstart.study.record import StudyRecord, TrialRecord
from headstart.study.store import packed, unpacked
from headstart.task.model import Task
from headstart.train.evaluate import Predictions
from headstart.train.workbench import Workbench

if TYPE_CHECKING:
    from headstart.ledger.ledger import Ledger


@dataclass
class Memory:
    """A study's view of the ledger; without one it knows nothing and keeps nothing.

    The ledger holds records and predictions, not weights and no text or picture of the data. If
    it fails while a study runs, the study says so once and goes on without it.

    Attributes:
        ledger: Where trials of all studies are, or None.
        task: The study's.
        metric: By which it chooses.
        progress: Who hears of trouble.
        reused: Trials that were known.
    """

    ledger: Ledger | None
    task: Task
    metric: str
    progress: Progress = field(default_factory=Silent)
    reused: list[TrialRecord] = field(default_factory=list)

    @classmethod
    def opened(cls, url: str | None, task: Task, metric: str, progress: Progress) -> Memory:
        """Open the ledger at ``url`` and enter the task; no ledger where it is None.

        Raises:
            RequestError: The ledger cannot be reached, or is none.
        """
        if url is None:
            return cls(None, task, metric, progress)
        from headstart.ledger.ledger import Ledger  # a quarter of a second to import

        memory = cls(Ledger.open(url), task, metric, progress)
        assert memory.ledger is not None
        memory.ledger.add_task(memory._entry())
        return memory

    def prior(self, bench: Workbench) -> Prior:
        """Return what worked on tasks like this one; enter how this one looks on the base.

        Distances between tasks come from statistics of their frozen features. Trials on the task
        itself say nothing here: those that fit are recalled by their keys.
        """
        if self.ledger is None:
            return Prior()
        values, targets = flat(bench.features("train").values, self.task.train.targets)
        looks, revision = summary(values, targets), bench.card.revision

        def asked(ledger: Ledger) -> Prior:
            ledger.add_task(self._entry(), {revision: looks})
            found = ledger.similar_tasks(revision, looks, self.task.kind.value, NEIGHBOURS + 1)
            near = [
                task
                for task in found
                if task.fingerprint != self.task.fingerprint and task.distance <= NEAR
            ][:NEIGHBOURS]
            outcomes = ledger.outcomes([task.fingerprint for task in near])
            return Prior(near, [one for one in outcomes if one.base_revision == revision])

        known: Prior | None = self._tried(asked)
        return known or Prior()

    def _entry(self) -> TaskEntry:
        task = self.task
        return TaskEntry(
            fingerprint=task.fingerprint,
            name=task.name,
            kind=task.kind.value,
            modality=task.modality.value,
            metric=self.metric,
            rows=sum(len(part) for part in task.parts.values()),
            classes=len(task.classes),
        )

    def recall(self, key: str, *, final: bool) -> tuple[TrialRecord, dict[str, Predictions]] | None:
        """Return a trial that somebody paid for, or None.

        Args:
            key: The trial's.
            final: Whether its predictions on the test rows are wanted; if not, they are left
                unread, like those of any run that only searches.
        """
        found = self._asked(key)
        if found is None:
            return None
        parts = ("validation", "test") if final else ("validation",)
        try:
            predictions = {part: _unpacked(found.predictions[part], part) for part in parts}
            record = TrialRecord.model_validate(found.record)
        except (KeyError, ValueError, OSError):
            return None  # no test predictions, or of a version that this one cannot read
        record.status = "finalist" if final else "done"
        record.scores = {part: record.scores[part] for part in parts}
        self.reused.append(record)
        return record, predictions

    def has(self, key: str, *, final: bool) -> bool:
        """Tell whether a trial is known, with its predictions on the test rows if it is final."""
        return bool(self._tried(lambda ledger: ledger.has(key, final=final)))

    def keep(self, record: TrialRecord, predictions: dict[str, Predictions]) -> None:
        """Add a finished trial."""
        if self.ledger is None or not predictions:
            return
        entry = TrialEntry(
            key=record.key,
            task=self.task.fingerprint,
            base=record.base,
            base_revision=record.base_revision,
            method=record.method,
            hyperparameters=record.hyperparameters,
            seed=record.seed,
            steps=record.hyperparameters.get("steps"),
            status=record.status,
            score=record.scores["validation"][self.metric].value,
            metric=self.metric,
            flop=record.cost.flop,
            seconds=record.cost.seconds,
            record=record.model_dump(mode="json"),
            predictions={part: _packed(found, part) for part, found in predictions.items()},
        )
        self._tried(lambda ledger: ledger.add_trial(entry))

    def keep_study(self, record: StudyRecord) -> None:
        """Add a finished study."""
        trials = [*record.baselines, *record.trials]
        self._tried(
            lambda ledger: ledger.add_study(
                self.task.fingerprint,
                record.model_dump(mode="json"),
                flop=sum(trial.cost.flop for trial in trials),
                seconds=sum(trial.cost.seconds for trial in trials),
            )
        )

    def close(self) -> None:
        """Let go of the database."""
        if self.ledger is not None:
            self.ledger.close()

    def _asked(self, key: str) -> KnownTrial | None:
        found: KnownTrial | None = self._tried(lambda ledger: ledger.trial(key))
        return found

    def _tried(self, work: Any) -> Any:
        if self.ledger is None:
            return None
        try:
            return work(self.ledger)
        except RequestError:
            raise
        except HeadstartError as error:
            self.progress.say(f"the ledger failed, the study goes on without it: {error}")
            self.ledger = None
            return None


def _packed(found: Predictions, part: str) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **packed({part: found}))
    return buffer.getvalue()


def _unpacked(content: bytes, part: str) -> Predictions:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return unpacked(file, part)
