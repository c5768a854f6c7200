"""Which tasks are near: their summaries in one matrix, read once a process and base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from headstart.ledger.distance import FORMAT, distance
from headstart.ledger.rows import SimilarTask
from headstart.ledger.tables import SummaryTable, TaskTable


@dataclass(frozen=True)
class _Tasks:
    """T tasks of one kind on one base: ``vectors`` is (T, S) float32; the lists follow its rows."""

    fingerprints: list[str]
    names: list[str]
    rows: list[int]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class _Summaries:
    """All that are comparable on a base: how many, and kind → tasks."""

    count: int
    of_kind: dict[str, _Tasks]


class Neighbours:
    """Finds the nearest tasks on a base.

    A call costs one count over an index and O(T S) for T tasks with summaries of S numbers: no
    trial is looked at. The summaries of a base are read anew when their number has changed;
    that is enough, since a summary that is there is never changed or removed.
    """

    def __init__(self) -> None:
        self._read: dict[tuple[str, int], _Summaries] = {}
        self._lock = Lock()

    def nearest(
        self,
        connection: Connection,
        base_revision: str,
        summary: NDArray[np.float32],
        kind: str,
        limit: int,
    ) -> list[SimilarTask]:
        """Return up to ``limit`` tasks of ``kind``, the nearest first, ties by fingerprint."""
        tasks = self._summaries(connection, base_revision, summary.size).of_kind.get(kind)
        if tasks is None or limit <= 0:
            return []
        # Differences, not a product: |a|² + |b|² - 2ab loses small distances to rounding.
        apart = tasks.vectors - summary
        squares = np.einsum("ts,ts->t", apart, apart)
        return [
            SimilarTask(
                fingerprint=tasks.fingerprints[at],
                distance=distance(tasks.vectors[at], summary),
                name=tasks.names[at],
                rows=tasks.rows[at],
            )
            for at in np.argsort(squares, kind="stable")[:limit]
        ]

    def _summaries(self, connection: Connection, base_revision: str, size: int) -> _Summaries:
        wanted = (
            SummaryTable.base_revision == base_revision,
            SummaryTable.format == FORMAT,
            SummaryTable.dimension == size,
        )
        count = connection.execute(
            select(func.count()).select_from(SummaryTable).where(*wanted)
        ).scalar_one()
        with self._lock:
            known = self._read.get((base_revision, size))
        if known is not None and known.count == count:
            return known
        found = connection.execute(
            select(
                TaskTable.kind,
                TaskTable.fingerprint,
                TaskTable.name,
                TaskTable.rows,
                SummaryTable.vector,
            )
            .join(TaskTable, TaskTable.fingerprint == SummaryTable.task_fingerprint)
            .where(*wanted)
            .order_by(TaskTable.kind, TaskTable.fingerprint)
        )
        by_kind = {kind: list(rows) for kind, rows in groupby(found, key=itemgetter(0))}
        known = _Summaries(
            sum(map(len, by_kind.values())),
            {kind: _tasks(rows, size) for kind, rows in by_kind.items()},
        )
        with self._lock:
            self._read[base_revision, size] = known
        return known


def _tasks(found: Sequence[Any], size: int) -> _Tasks:
    _, fingerprints, names, rows, vectors = zip(*found, strict=True)
    matrix = np.frombuffer(b"".join(vectors), dtype="<f4").reshape(-1, size)
    return _Tasks(list(fingerprints), list(names), list(rows), matrix)
