"""The ledger: what was ever tried, shared by runs, users and machines."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, delete, insert, select

from headstart.database.engine import engine_for, reading, shown, writing
from headstart.database.faults import persistently
from headstart.database.schema import prepare
from headstart.files import canonical, digest
from headstart.ledger import place, queries, values
from headstart.ledger.distance import FORMAT
from headstart.ledger.purpose import LEDGER
from headstart.ledger.rows import (
    KnownTrial,
    Outcome,
    SimilarTask,
    TaskEntry,
    Totals,
    TrialEntry,
    TrialGroup,
)
from headstart.ledger.similar import Neighbours
from headstart.ledger.tables import PredictionTable, StudyTable, TaskTable, TrialTable

T = TypeVar("T")
FINALIST = "finalist"
KEPT = ("done", FINALIST)


class Ledger:
    """Every task, trial and study in one database.

    Every method is one transaction: done wholly, and then safe against a kill or a power cut, or
    not at all. Many processes and threads may use one database; a ledger that was opened before
    a fork may be used after it. Across machines, keep it on PostgreSQL: SQLite's locks do not
    hold on network file systems.

    Every method raises ``RequestError`` where the database is out of reach, damaged or cannot be
    written to, and ``WorkError`` where it stays busy or fails.
    """

    def __init__(self, engine: Engine, place: str, writer: tuple[str, str]) -> None:
        self.place = place
        self._engine, self._writer, self._process = engine, writer, os.getpid()
        self._neighbours = Neighbours()

    @classmethod
    def open(cls, url: str | Path, *, writer: tuple[str, str] | None = None) -> Ledger:
        """Open a ledger; make it, or bring it up to this version, if need be.

        Args:
            url: ``sqlite:///path``, ``postgresql://user:password@host/database``, or the path
                of a SQLite file.
            writer: Names of host and user to sign new entries with; this one's if None.

        Raises:
            RequestError: A bad URL, a database that holds something else, is of a newer
                headstart, is damaged, cannot be reached or written to.
        """
        engine = engine_for(url, LEDGER)
        sqlite = engine.dialect.name == "sqlite"
        ledger = cls(engine, str(engine.url.database) if sqlite else shown(url), _signed(writer))
        try:
            prepare(engine, ledger.place, LEDGER)
        except BaseException:
            ledger.close()
            raise
        return ledger

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._engine.dispose()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def has(self, key: str, *, final: bool = False) -> bool:
        """Return whether a trial is known.

        Args:
            key: Of the trial.
            final: Whether only one that read the test rows will do.
        """
        if not values.is_word(key):
            return False
        asked = select(TrialTable.key).where(TrialTable.key == key)
        if final:
            asked = asked.where(TrialTable.status == FINALIST)
        return self._read(lambda connection: connection.execute(asked).first() is not None)

    def trial(self, key: str) -> KnownTrial | None:
        """Return a known trial with its record and predictions, or None."""
        if not values.is_word(key):
            return None
        return self._read(lambda connection: queries.known_trial(connection, key))

    def add_trial(self, entry: TrialEntry) -> bool:
        """Add a finished trial; of two with one key the first stays.

        A finalist takes the place of a "done" trial with its key: it has the test rows' scores.
        Whatever is neither done nor finalist (failed, skipped) is not kept.

        Returns:
            Whether the ledger now holds this entry; False where it kept another, or none.

        Raises:
            RequestError: The task was not added before, or a key that is none.
        """
        if entry.status not in KEPT:
            return False
        row = self._trial_row(entry)
        parts = [
            {"trial_key": entry.key, "part": values.word(part, "a part"), "data": bytes(data)}
            for part, data in entry.predictions.items()
        ]

        def add(connection: Connection) -> bool:
            if connection.execute(queries.keep_better(connection, row)).first() is None:
                return False
            old = delete(PredictionTable).where(PredictionTable.trial_key == entry.key)
            connection.execute(old)
            if parts:
                connection.execute(insert(PredictionTable), parts)
            return True

        return self._write(add)

    def add_task(
        self, entry: TaskEntry, summaries: Mapping[str, NDArray[np.float32]] | None = None
    ) -> None:
        """Add a task, and what its features on some bases look like; what is there stays.

        Args:
            entry: The task.
            summaries: Base revision → ``distance.summary`` of the task on it.

        Raises:
            RequestError: A fingerprint, kind or the like that is no short word.
            ValueError: A summary that is no vector of finite numbers.
        """
        row = {
            "fingerprint": values.word(entry.fingerprint, "a fingerprint"),
            "name": values.readable(entry.name),
            "kind": values.word(entry.kind, "a kind"),
            "modality": values.word(entry.modality, "a modality"),
            "metric": values.word(entry.metric, "a metric"),
            "rows": values.whole(entry.rows, "a number of rows"),
            "classes": values.whole(entry.classes, "a number of classes"),
            "created": _now(),
        }
        known = [
            {
                "task_fingerprint": entry.fingerprint,
                "base_revision": values.word(revision, "a base's revision"),
                "format": FORMAT,
                "dimension": vector.size,
                "vector": vector.tobytes(),
            }
            # In one order, so that two writers cannot wait for each other.
            for revision, vector in sorted((r, _vector(v)) for r, v in (summaries or {}).items())
        ]

        def add(connection: Connection) -> None:
            connection.execute(queries.keep_first(connection, TaskTable, row))
            for one in known:
                connection.execute(queries.keep_newest_format(connection, one))

        self._write(add)

    def add_study(
        self, task: str, record: Mapping[str, Any], *, flop: float, seconds: float
    ) -> str:
        """Add a study that came to its end; the same record is kept once.

        Args:
            task: Fingerprint of its task, which was added before.
            record: The whole of ``study.json``.
            flop: What it cost: floating-point operations.
            seconds: Likewise: wall-clock.

        Returns:
            Its id, the digest of the record.
        """
        plain = values.plain(record)
        row = {
            "id": digest(canonical(plain)),
            "task_fingerprint": values.word(task, "a fingerprint"),
            "created": _now(),
            "flop": float(flop),
            "seconds": float(seconds),
            "record": plain,
        }
        self._write(lambda c: c.execute(queries.keep_first(c, StudyTable, row)))
        return str(row["id"])

    def similar_tasks(
        self, base_revision: str, summary: NDArray[np.float32], kind: str, limit: int = 10
    ) -> list[SimilarTask]:
        """Return the tasks of a kind whose features on a base are nearest, the nearest first.

        The task itself is among them, at distance 0, if it was added before. Takes O(T S) for T
        tasks with summaries of S numbers, whatever the number of trials; the first call for a
        base reads its summaries, later ones only those of a ledger that has grown.

        Args:
            base_revision: Of the base that ``summary`` was taken on.
            summary: (S,) float32, from ``distance.summary``.
            kind: Of the task.
            limit: At most so many.

        Raises:
            ValueError: A summary that is no vector of finite numbers.
        """
        vector = _vector(summary)
        if not values.is_word(base_revision):
            return []
        return self._read(lambda c: self._neighbours.nearest(c, base_revision, vector, kind, limit))

    def outcomes(self, fingerprints: Sequence[str]) -> list[Outcome]:
        """Return the best trial of every method and base on these tasks.

        Best by validation score; among equals the one that took fewest FLOP. Trials on one task
        that were chosen by different metrics are kept apart. The order is that of
        ``fingerprints``, then best first.
        """
        wanted = [value for value in dict.fromkeys(fingerprints) if values.is_word(value)]
        if not wanted:
            return []
        found = self._read(lambda connection: queries.best(connection, wanted))
        position = {fingerprint: place for place, fingerprint in enumerate(wanted)}
        return sorted(found, key=lambda o: (position[o.task], o.metric, -o.score, o.flop, o.key))

    def totals(self) -> Totals:
        """Return how much the ledger holds, and what it cost."""
        return self._read(queries.totals)

    def newest_studies(self, limit: int) -> list[tuple[str, datetime]]:
        """Return ids of studies and when they were added (UTC), the newest first."""
        return self._read(lambda connection: queries.newest_studies(connection, limit))

    def study_records(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return by id the records of those studies that the ledger holds."""
        wanted = [one for one in ids if values.is_word(one)]
        return self._read(lambda connection: queries.study_records(connection, wanted))

    def trial_groups(self) -> list[TrialGroup]:
        """Return how many trials each task has of each method, those tried last first."""
        return self._read(queries.trial_groups)

    def writers(self) -> int:
        """Return how many users added trials."""
        return self._read(queries.writers)

    def _trial_row(self, entry: TrialEntry) -> dict[str, Any]:
        host, user = self._writer
        score = entry.score
        revision = entry.base_revision
        return {
            "key": values.key(entry.key, "a trial's key"),
            "task_fingerprint": values.word(entry.task, "a fingerprint"),
            "base": None if entry.base is None else values.readable(entry.base),
            "base_revision": None if revision is None else values.word(revision, "a revision"),
            "method": values.word(entry.method, "a method"),
            "hyperparameters": values.plain(entry.hyperparameters),
            "seed": values.whole(entry.seed, "a seed"),
            "steps": None if entry.steps is None else values.whole(entry.steps, "steps"),
            "status": entry.status,
            "score": None if score is None or not math.isfinite(score) else float(score),
            "metric": values.word(entry.metric, "a metric"),
            "flop": float(entry.flop),
            "seconds": float(entry.seconds),
            "created": _now(),
            "host": host,
            "user": user,
            "record": values.plain(entry.record),
        }

    def _read(self, work: Callable[[Connection], T]) -> T:
        return self._done(reading(self._here()), work)

    def _write(self, work: Callable[[Connection], T]) -> T:
        return self._done(writing(self._here()), work)

    def _done(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        def transaction() -> T:
            with engine.begin() as connection:
                return work(connection)

        return persistently(transaction, self.place, LEDGER)

    def _here(self) -> Engine:
        """Return the engine; in a forked child, with connections of its own."""
        if self._process != os.getpid():
            self._engine.dispose(close=False)  # the parent goes on using its own
            self._process = os.getpid()
            self._neighbours = Neighbours()
        return self._engine


def _signed(writer: tuple[str, str] | None) -> tuple[str, str]:
    host, user = writer or place.writer()
    return values.readable(host), values.readable(user)


def _now() -> datetime:
    return datetime.now(UTC)


def _vector(summary: NDArray[np.float32]) -> NDArray[np.float32]:
    vector = np.ascontiguousarray(summary, dtype="<f4")
    if vector.ndim != 1 or vector.size == 0 or not np.isfinite(vector).all():
        raise ValueError(f"a summary of shape {vector.shape}; expected (S,) finite numbers")
    return vector
