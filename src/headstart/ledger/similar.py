"""Which tasks are near: their summaries in one matrix, read once a process and base."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from headstart.ledger.distance import FORMAT, distance
from headstart.ledger.rows import SimilarTask
from headstart.ledger.tables import SummaryTable, TaskTable


@dataclass(frozen=True)
class _Summaries:
    """T tasks on one base: ``vectors`` is (T, S) float32; the lists follow its rows."""

    fingerprints: list[str]
    names: list[str]
    kinds: NDArray[np.object_]
    rows: list[int]
    vectors: NDArray[np.float32]


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
        known = self._summaries(connection, base_revision, summary.size)
        places = np.flatnonzero(known.kinds == kind)
        if places.size == 0 or limit <= 0:
            return []
        # Differences, not a product: |a|² + |b|² - 2ab loses small distances to rounding.
        apart = known.vectors[places] - summary
        squares = np.einsum("ts,ts->t", apart, apart)
        first = places[np.argsort(squares, kind="stable")[:limit]]
        return [
            SimilarTask(
                fingerprint=known.fingerprints[at],
                distance=distance(known.vectors[at], summary),
                name=known.names[at],
                rows=known.rows[at],
            )
            for at in first
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
        if known is not None and len(known.fingerprints) == count:
            return known
        found = connection.execute(
            select(
                TaskTable.fingerprint,
                TaskTable.name,
                TaskTable.kind,
                TaskTable.rows,
                SummaryTable.vector,
            )
            .join(TaskTable, TaskTable.fingerprint == SummaryTable.task_fingerprint)
            .where(*wanted)
            .order_by(TaskTable.fingerprint)
        ).all()
        known = _Summaries(
            fingerprints=[row[0] for row in found],
            names=[row[1] for row in found],
            kinds=np.array([row[2] for row in found], dtype=object),
            rows=[row[3] for row in found],
            vectors=np.frombuffer(b"".join(row[4] for row in found), "<f4").reshape(-1, size),
        )
        with self._lock:
            self._read[base_revision, size] = known
        return known
