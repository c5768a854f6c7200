"""Brings a ledger's tables up to this version's, once, however many open it at once."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select, text

from headstart.errors import RequestError
from headstart.ledger.engine import outside, writing
from headstart.ledger.faults import not_a_ledger, persistently
from headstart.ledger.tables import Table as LedgerTable

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"
"""The newest revision under ``migrations/versions`` (a test holds the two together)."""

VERSION_TABLE = "headstart_ledger_version"
"""Not Alembic's usual name: on a shared server others keep their versions, too."""

_VERSION = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32)))
_ADVISORY_LOCK = 0x6865616473746172  # "headstar", as a 64-bit number
_ALEMBIC = Lock()  # alembic's `op` and `context` belong to the process, not to the thread


def prepare(engine: Engine, place: str) -> None:
    """Make or upgrade the tables where needed.

    Raises:
        RequestError: The database holds something else, or is of a newer headstart; or as
            :func:`~headstart.ledger.faults.persistently`.
        WorkError: Likewise.
    """
    if persistently(lambda: _current(engine), place) != HEAD:
        persistently(lambda: _upgraded(engine, place), place)
    if engine.dialect.name == "sqlite":
        # Only now: a database that is not ours was left as it is. Readers do not wait for writers.
        persistently(lambda: _log_ahead(engine), place)


def configuration(connection: Connection) -> Config:
    """Return Alembic's configuration for the packaged migrations; there is no alembic.ini."""
    from alembic.config import Config  # takes a while, and a ledger is seldom upgraded

    config = Config()
    config.set_main_option("script_location", "headstart.ledger:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _current(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return _version(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(select(_VERSION.c.version_num)).scalars().first()


def _upgraded(engine: Engine, place: str) -> None:
    """Upgrade in one transaction, alone: it is done wholly or not at all."""
    with writing(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            lock = text("SELECT pg_advisory_xact_lock(:lock)")
            connection.execute(lock, {"lock": _ADVISORY_LOCK})
        version = _version(connection)  # again: another may have upgraded meanwhile
        if version == HEAD:
            return
        if version is None and _taken(connection):
            raise not_a_ledger(place)
        _migrate(connection, version, place)


def _taken(connection: Connection) -> bool:
    """Whether other tables are in the way: any in a file, those of our names on a server."""
    found = set(inspect(connection).get_table_names()) - {VERSION_TABLE}
    if connection.dialect.name == "sqlite":
        return bool(found)
    return not found.isdisjoint(LedgerTable.metadata.tables)


def _migrate(connection: Connection, version: str | None, place: str) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    config = configuration(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise RequestError(
            f"the ledger is of a newer headstart: revision {version}, this one knows {HEAD}",
            where=place,
            mend="upgrade: pip install --upgrade headstart",
        )
    with _ALEMBIC:
        command.upgrade(config, "head")


def _log_ahead(engine: Engine) -> None:
    with outside(engine).connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
