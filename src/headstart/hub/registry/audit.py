"""The audit log: who did what to what, each entry sealed with the digest of the one before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from headstart.files import canonical
from headstart.hub.registry.tables import EventTable

_LOCK = 0x61756469745F6C67  # "audit_lg", as a 64-bit number


@dataclass(frozen=True)
class Event:
    """One entry of the log."""

    id: int
    at: datetime
    who: str
    what: str
    target: str
    details: dict[str, Any]


def note(connection: Connection, who: str, what: str, target: str, **details: Any) -> None:
    """Add an entry; part of the transaction that it tells of, and best its last step."""
    if connection.dialect.name == "postgresql":  # one after the other, as SQLite's writers come
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    newest = select(EventTable.digest).order_by(EventTable.id.desc()).limit(1)
    before = connection.execute(newest).scalar() or ""
    now = datetime.now(UTC)
    connection.execute(
        insert(EventTable).values(
            at=now, who=who, what=what, target=target, details=details,
            digest=_seal(before, now, who, what, target, details),
        )
    )  # fmt: skip


def events(connection: Connection, *, before: int | None = None, limit: int = 50) -> list[Event]:
    """Return entries, newest first."""
    query = select(EventTable.__table__).order_by(EventTable.id.desc()).limit(limit)
    if before is not None:
        query = query.where(EventTable.id < before)
    return [
        Event(row.id, row.at, row.who, row.what, row.target, row.details)
        for row in connection.execute(query)
    ]


def broken(connection: Connection) -> Iterator[int]:
    """Yield the ids of entries that are not what was once written, or follow a missing one."""
    before = ""
    for row in connection.execute(select(EventTable.__table__).order_by(EventTable.id)):
        if row.digest != _seal(before, row.at, row.who, row.what, row.target, row.details):
            yield row.id
        before = row.digest


def _seal(
    before: str, at: datetime, who: str, what: str, target: str, details: dict[str, Any]
) -> str:
    text = canonical([before, at.isoformat(), who, what, target, details])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
