"""From a URL or a path to a database engine that is safe for many writers."""

from __future__ import annotations

import os
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from headstart.database.faults import something_else
from headstart.database.purpose import Purpose
from headstart.errors import RequestError, UnwritableError, nearest

BUSY_SECONDS = 60
CONNECT_SECONDS = 10
_SCHEMES = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
_BEGIN = "headstart_begin"
_MAGIC = b"SQLite format 3\0"


def engine_for(place: str | Path, purpose: Purpose) -> Engine:
    """Return the engine of a database; nothing is opened yet but a folder may be made.

    Args:
        place: ``sqlite:///path``, ``postgresql://user:password@host/database``, or the path of
            a file.
        purpose: What the database is for.

    Raises:
        RequestError: A bad URL, an unknown scheme, or a place where no file can be.
    """
    url = _url(place, purpose.what)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, purpose)
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})
    engine = create_engine(
        url, pool_pre_ping=True, pool_timeout=BUSY_SECONDS, hide_parameters=True,
        connect_args={"client_encoding": "utf8"},
    )  # fmt: skip
    event.listen(engine, "connect", _on_connect_postgres)
    return engine


def reading(engine: Engine) -> Engine:
    """Return the same engine for transactions that read: all of one sees one state.

    SQLite's do so by themselves.
    """
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ")


def writing(engine: Engine) -> Engine:
    """Return the same engine for transactions that write.

    In SQLite they take the lock at their begin: a reader that turns writer half-way cannot wait.
    """
    return engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})


def outside(engine: Engine) -> Engine:
    """Return the same engine for what SQLite does outside transactions only."""
    return engine.execution_options(**{_BEGIN: None})


def shown(place: str | Path) -> str:
    """Return a place as it may be shown: without its password, even if it is no good URL."""
    hidden = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", str(place))
    return re.sub(r"([?&]password=)[^&]*", r"\1***", hidden)


def _url(place: str | Path, what: str) -> URL:
    text = str(place)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise RequestError(
            f"the {what}'s URL cannot be read",
            where=shown(place),
            mend="write sqlite:///path/to/file or postgresql://user:password@host/database",
        ) from None  # what was raised may tell the password
    scheme = url.drivername.partition("+")[0]
    if scheme not in _SCHEMES:
        raise RequestError(
            f"a {what} cannot be kept in '{scheme}'",
            where=shown(place),
            mend=nearest(scheme, ("sqlite", "postgresql")),
        )
    if scheme == "sqlite" and (url.query or url.host):
        raise RequestError(
            f"the {what}'s SQLite URL has more than a path",
            where=shown(place),
            mend="write sqlite:///relative/path or sqlite:////absolute/path",
        )
    if scheme != "sqlite":
        if "@" in (url.host or ""):  # a part of the password would be taken for the host, and told
            raise RequestError(
                f"the {what}'s URL has an @ too many",
                where=shown(place),
                mend="write @ in a user or password as %40",
            )
        _need_psycopg(place, what)
    return url.set(drivername=_SCHEMES[scheme])


def _need_psycopg(place: str | Path, what: str) -> None:
    try:
        import_module("psycopg")
    except ImportError as error:
        raise RequestError(
            f"a {what} on PostgreSQL needs the package psycopg",
            where=shown(place),
            mend="pip install 'headstart[postgres]'",
        ) from error


def _sqlite(url: URL, purpose: Purpose) -> Engine:
    if not url.database or url.database == ":memory:":
        raise RequestError(
            f"a {purpose.what} in memory would be forgotten",
            where=str(url),
            mend=f"name a file: sqlite:///path/to/file; or {purpose.elsewhere}",
        )
    file = Path(url.database).expanduser().absolute()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_place(file, error.strerror or str(error), purpose) from error
    if file.exists() and not file.is_file():
        raise _no_place(file, "it is not a file", purpose)
    if file.exists() and not os.access(file, os.W_OK):
        raise _no_place(file, "it is read-only", purpose)
    if file.exists() and not _may_be_sqlite(file):
        raise something_else(str(file), purpose.what)
    if not os.access(file.parent, os.W_OK):  # SQLite keeps its log beside the file
        raise _no_place(file, "its folder is read-only", purpose)
    engine = create_engine(
        url.set(database=str(file)),
        max_overflow=-1,  # writers wait in SQLite, for each other; readers must not wait with them
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS},
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _may_be_sqlite(file: Path) -> bool:
    """Whether a file is empty or begins as SQLite's do.

    SQLite says so itself, but takes a file of a few bytes for an empty one, and writes over it.
    """
    with file.open("rb") as opened:
        head = opened.read(len(_MAGIC))
    return head.strip(b"\0") == b"" or head == _MAGIC


def _no_place(file: Path, why: str, purpose: Purpose) -> UnwritableError:
    return UnwritableError(
        f"the {purpose.what} cannot be written: {why}",
        where=str(file),
        mend=f"free the permissions there, or {purpose.elsewhere}",
    )


def _on_connect(connection: Any, _: Any) -> None:
    # SQLAlchemy's recipe: Python's driver begins no transaction by itself, so DDL is in ours.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    # With a write-ahead log, FULL means: what was committed survives a power cut, too.
    connection.execute("PRAGMA synchronous = FULL")


def _on_connect_postgres(connection: Any, _: Any) -> None:
    # To compile a query or to start helpers for it takes longer than any of ours does without; a
    # plan that is made for all values is one for rare tags and words, and bad for common ones.
    connection.execute(
        "SELECT set_config(name, told, false) FROM pg_settings JOIN (VALUES ('jit', 'off'), "
        "('max_parallel_workers_per_gather', '0'), ('plan_cache_mode', 'force_custom_plan')) "
        "AS ours (name, told) USING (name)"
    )
    connection.commit()


def _on_begin(connection: Connection) -> None:
    begin = connection.get_execution_options().get(_BEGIN, "BEGIN")
    if begin is not None:
        connection.exec_driver_sql(begin)
