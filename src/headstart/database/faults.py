"""What a database may answer, in a user's words; and what is worth another try."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from headstart.database.purpose import Purpose
from headstart.errors import (
    CrowdedError,
    HeadstartError,
    NoRoomError,
    RequestError,
    UnusableError,
    UnwritableError,
    WorkError,
)

T = TypeVar("T")

# SQLite waits by itself (see engine.BUSY_SECONDS); these pauses are for what it refuses at once.
_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_NOT_OURS = {sqlite3.SQLITE_NOTADB}
_DAMAGED = {sqlite3.SQLITE_CORRUPT}
_UNWRITABLE = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
}
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock not available
_NO_ROOM = "53100"  # disk full
_REFUSED = {"42501", "25006", _NO_ROOM}  # no privilege, read-only transaction
_SERVER = ("08", "28", "3D", "57")  # connection, authorization, no such database, shut down


def persistently(work: Callable[[], T], place: str, purpose: Purpose) -> T:
    """Return what ``work`` returns; try again while others are in the way.

    Args:
        work: A whole transaction that may be done twice.
        place: The database, for messages; without a password.
        purpose: What it is for.

    Raises:
        UnusableError: Not such a database, damaged, out of reach, or cannot be written to.
        RequestError: It cannot hold what it was told to.
        CrowdedError: Others were in the way for too long.
        WorkError: The database failed.
    """
    for pause in (*_PAUSES, None):
        try:
            return work()
        except (UnicodeEncodeError, OverflowError) as error:  # of the driver, before it asks
            raise _unfit(place, purpose.what) from error
        except SQLAlchemyError as error:
            if pause is None or not _may_pass(error):
                raise translated(error, place, purpose) from error
        time.sleep(pause)
    raise AssertionError("the last round returns or raises")


def translated(error: SQLAlchemyError, place: str, purpose: Purpose) -> HeadstartError:
    """Return the error that says what was found, where, and what to do."""
    if isinstance(error, IntegrityError) and _names_unknown(error):
        return RequestError(
            f"an entry belongs to {purpose.root} that the {purpose.what} does not hold",
            where=place,
            mend="add that first",
        )
    if isinstance(error, NoConnection):
        return _busy(place, purpose.what)
    if isinstance(error, DBAPIError) and (code := _sqlite_code(error)) is not None:
        return _of_sqlite(code, error, place, purpose)
    if isinstance(error, DBAPIError):
        return _of_server(error, place, purpose)
    return WorkError(f"the {purpose.what} failed: {_said(error)}", where=place)


def _of_sqlite(code: int, error: DBAPIError, place: str, purpose: Purpose) -> HeadstartError:
    if code in _BUSY:
        return _busy(place, purpose.what)
    if code in _NOT_OURS:
        return something_else(place, purpose.what)
    if code in _DAMAGED:
        return UnusableError(
            f"the {purpose.what} is damaged: {_said(error)}",
            where=place,
            mend="put back a copy of it, or move it away: a new one is begun by itself",
        )
    if code in _UNWRITABLE:
        kind = NoRoomError if code == sqlite3.SQLITE_FULL else UnwritableError
        return kind(
            f"the {purpose.what} cannot be written: {_said(error)}",
            where=place,
            mend=f"free space and permissions there, or {purpose.elsewhere}",
        )
    return WorkError(f"the {purpose.what} failed: {_said(error)}", where=place)


def _of_server(error: DBAPIError, place: str, purpose: Purpose) -> HeadstartError:
    state = _sqlstate(error)
    if isinstance(error, DataError):
        return _unfit(place, purpose.what)
    if state in _PASSING:
        return _busy(place, purpose.what)
    if state in _REFUSED:
        kind = NoRoomError if state == _NO_ROOM else UnwritableError
        return kind(
            f"the {purpose.what} cannot be written: {_said(error)}",
            where=place,
            mend="ask who keeps the server for the right to write there, or for space",
        )
    lost = isinstance(error, OperationalError) and (state is None or state.startswith(_SERVER))
    if lost or error.connection_invalidated:
        return UnusableError(
            f"the {purpose.what}'s server cannot be used: {_said(error)}",
            where=place,
            mend="check host, port, database, user and password, and that the server runs; "
            f"or {purpose.elsewhere}",
        )
    return WorkError(f"the {purpose.what} failed: {_said(error)}", where=place)


def _unfit(place: str, what: str) -> RequestError:
    return RequestError(
        f"a text or number is none that a {what} can hold",
        where=place,
        mend="leave out NUL and halves of signs (lone surrogates), and numbers beyond 64 bits",
    )


def something_else(place: str, what: str) -> UnusableError:
    """Return the error for a database, or a file, that holds something else."""
    return UnusableError(
        f"this is not a headstart {what}: it holds something else",
        where=place,
        mend=f"name another place; a {what} that is not there yet is made",
    )


def _busy(place: str, what: str) -> CrowdedError:
    return CrowdedError(
        f"the {what} was busy with other writers for too long",
        where=place,
        mend="try again; many writers are better served by PostgreSQL",
    )


def _may_pass(error: SQLAlchemyError) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    return (
        _sqlite_code(error) in _BUSY
        or _sqlstate(error) in _PASSING
        or error.connection_invalidated  # the server was restarted since the last call
    )


def _names_unknown(error: IntegrityError) -> bool:
    return _sqlstate(error) == "23503" or "FOREIGN KEY" in str(error.orig)


def _sqlite_code(error: DBAPIError) -> int | None:
    """Return SQLite's primary result code (the extended one has more in its upper bytes)."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def _sqlstate(error: DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None)
    return state if isinstance(state, str) else None


def _said(error: SQLAlchemyError) -> str:
    """Return the driver's own first line: the rest is SQL."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
