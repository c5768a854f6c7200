"""What passes is tried again; what does not is told in a user's words."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from headstart.database import faults
from headstart.database.faults import persistently
from headstart.errors import (
    CrowdedError,
    HeadstartError,
    NoRoomError,
    RequestError,
    UnusableError,
    UnwritableError,
    WorkError,
)
from headstart.ledger.purpose import LEDGER


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Keep the pauses instead of sleeping them."""
    kept: list[float] = []
    monkeypatch.setattr(faults.time, "sleep", kept.append)
    return kept


def of_sqlite(code: int) -> OperationalError:
    cause = sqlite3.OperationalError("said by SQLite")
    cause.sqlite_errorcode = code
    return OperationalError("SELECT secret", {}, cause)


def of_server(state: str | None) -> DBAPIError:
    cause = Exception("said by the server\nLINE 1: SELECT secret")
    cause.sqlstate = state  # type: ignore[attr-defined]
    return OperationalError("SELECT secret", {}, cause)


PASSING = [
    of_sqlite(sqlite3.SQLITE_BUSY),
    of_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT),
    of_sqlite(sqlite3.SQLITE_LOCKED),
    of_server("40001"),
    of_server("40P01"),
    of_server("55P03"),
]


@pytest.mark.parametrize("error", PASSING)
def test_work_that_others_were_in_the_way_of_is_done_again(
    error: Exception, pauses: list[float]
) -> None:
    left = [error, error, error]

    def work() -> str:
        if left:
            raise left.pop()
        return "done"

    assert persistently(work, "here", LEDGER) == "done"
    assert len(pauses) == 3
    assert pauses == sorted(pauses)


@pytest.mark.parametrize("error", PASSING)
def test_after_many_tries_it_is_an_error(error: Exception, pauses: list[float]) -> None:
    def work() -> None:
        raise error

    with pytest.raises(WorkError, match="busy with other writers"):
        persistently(work, "here", LEDGER)
    assert pauses


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (of_sqlite(sqlite3.SQLITE_NOTADB), UnusableError, "not a headstart ledger"),
        (of_sqlite(sqlite3.SQLITE_CORRUPT), UnusableError, "damaged"),
        (of_sqlite(sqlite3.SQLITE_READONLY), UnwritableError, "cannot be written"),
        (of_sqlite(sqlite3.SQLITE_FULL), NoRoomError, "cannot be written"),
        (of_sqlite(sqlite3.SQLITE_IOERR_WRITE), UnwritableError, "cannot be written"),
        (of_sqlite(sqlite3.SQLITE_ERROR), WorkError, "the ledger failed"),
        (of_server(None), UnusableError, "server cannot be used"),
        (of_server("28P01"), UnusableError, "server cannot be used"),
        (of_server("57P01"), UnusableError, "server cannot be used"),
        (of_server("42501"), UnwritableError, "cannot be written"),
        (of_server("53100"), NoRoomError, "cannot be written"),
        (of_server("42P01"), WorkError, "the ledger failed"),
        (PoolTimeout("no connection left"), CrowdedError, "busy with other writers"),
    ],
)
def test_what_does_not_pass_is_told_at_once_without_sql(
    error: Exception, kind: type[HeadstartError], said: str, pauses: list[float]
) -> None:
    def work() -> None:
        raise error

    with pytest.raises(HeadstartError, match=said) as caught:
        persistently(work, "here", LEDGER)
    assert type(caught.value) is kind
    assert caught.value.where == "here"
    assert "secret" not in str(caught.value)
    assert pauses == []


def test_an_error_of_ours_goes_through_as_it_is() -> None:
    def work() -> None:
        raise RequestError("mine")

    with pytest.raises(RequestError, match="mine"):
        persistently(work, "here", LEDGER)
