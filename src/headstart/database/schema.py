"""Brings a database's tables up to this version's, once, however many open it at once."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select, text

from headstart.database.engine import outside, writing
from headstart.database.faults import persistently, something_else
from headstart.database.purpose import Purpose
from headstart.errors import RequestError

if TYPE_CHECKING:
    from alembic.config import Config

_ADVISORY_LOCK = 0x6865616473746172  # "headstar", as a 64-bit number
_ALEMBIC = Lock()  # alembic's `op` and `context` belong to the process, not to the thread


def prepare(engine: Engine, place: str, purpose: Purpose) -> None:
    """Make or upgrade the tables where needed.

    Raises:
        RequestError: The database holds something else, or is of a newer headstart; or as
            :func:`~headstart.database.faults.persistently`.
        WorkError: Likewise.
    """
    if persistently(lambda: _current(engine, purpose), place, purpose) != purpose.head:
        persistently(lambda: _upgraded(engine, place, purpose), place, purpose)
    if engine.dialect.name == "sqlite":
        # Only now: a database that is not ours was left as it is. Readers do not wait for writers.
        persistently(lambda: _log_ahead(engine), place, purpose)


def configuration(connection: Connection, purpose: Purpose) -> Config:
    """Return Alembic's configuration for the packaged migrations; there is no alembic.ini."""
    from alembic.config import Config  # takes a while, and a database is seldom upgraded

    config = Config()
    config.set_main_option("script_location", purpose.migrations)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _current(engine: Engine, purpose: Purpose) -> str | None:
    with engine.connect() as connection:
        return _version(connection, purpose)


def _version(connection: Connection, purpose: Purpose) -> str | None:
    if not inspect(connection).has_table(purpose.version_table):
        return None
    table = Table(purpose.version_table, MetaData(), Column("version_num", String(32)))
    return connection.execute(select(table.c.version_num)).scalars().first()


def _upgraded(engine: Engine, place: str, purpose: Purpose) -> None:
    """Upgrade in one transaction, alone: it is done wholly or not at all."""
    with writing(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            lock = text("SELECT pg_advisory_xact_lock(:lock)")
            connection.execute(lock, {"lock": _ADVISORY_LOCK})
        version = _version(connection, purpose)  # again: another may have upgraded meanwhile
        if version == purpose.head:
            return
        if version is None and _taken(connection, purpose):
            raise something_else(place, purpose.what)
        _migrate(connection, version, place, purpose)


def _taken(connection: Connection, purpose: Purpose) -> bool:
    """Whether other tables are in the way: any in a file, those of our names on a server."""
    found = set(inspect(connection).get_table_names()) - {purpose.version_table}
    if connection.dialect.name == "sqlite":
        return bool(found)
    return not found.isdisjoint(purpose.metadata.tables)


def _migrate(connection: Connection, version: str | None, place: str, purpose: Purpose) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    config = configuration(connection, purpose)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise RequestError(
            f"the {purpose.what} is of a newer headstart: revision {version}, "
            f"this one knows {purpose.head}",
            where=place,
            mend="upgrade: pip install --upgrade headstart",
        )
    with _ALEMBIC:
        command.upgrade(config, "head")


def _log_ahead(engine: Engine) -> None:
    with outside(engine).connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
