"""The registry's database: transactions that are done wholly or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine

from headstart.database.engine import engine_for, reading, shown, writing
from headstart.database.faults import persistently
from headstart.database.schema import prepare
from headstart.hub.registry.purpose import REGISTRY

T = TypeVar("T")


class Database:
    """One registry; safe for many threads and processes, also after a fork.

    Args:
        url: As for :func:`~headstart.database.engine.engine_for`.

    Raises:
        RequestError: The database is out of reach, damaged, or something else's.
    """

    def __init__(self, url: str | Path) -> None:
        self.url, self.place = url, shown(url)
        self._engine, self._process = engine_for(url, REGISTRY), os.getpid()
        prepare(self._engine, self.place, REGISTRY)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return what ``work`` finds; all of it sees one state."""
        return self._done(reading(self._here()), work)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Return what ``work`` returns once it is kept; it may be done twice where others meet it.

        An error of ``work`` leaves everything as it was.
        """
        return self._done(writing(self._here()), work)

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    def _done(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        def transaction() -> T:
            with engine.begin() as connection:
                return work(connection)

        return persistently(transaction, self.place, REGISTRY)

    def _here(self) -> Engine:
        if self._process != os.getpid():
            self._engine.dispose(close=False)  # the parent goes on using its own
            self._process = os.getpid()
        return self._engine
