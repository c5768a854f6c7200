"""A PostgreSQL server of the tests' own, where the machine has its programs."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

_DEBIAN = Path("/usr/lib/postgresql")
_OPTIONS = "-c listen_addresses= -c fsync=off -c max_connections=50 -k "


def _programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs, the newest where there are several."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[str], str]]:
    """Start a server on a socket of its own; give a function from database name to URL."""
    programs = _programs()
    if programs is None:
        pytest.skip("needs PostgreSQL's server programs (initdb, pg_ctl), which this machine lacks")
    folder = Path(tempfile.mkdtemp(prefix="headstart-pg-"))  # a socket's path must be short
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = "postgres" if _exists("postgres") else "nobody"
        shutil.chown(folder, user)

    def run(*command: str | Path) -> None:
        subprocess.run(
            command, cwd=folder, user=user, env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    control, data, log = programs / "pg_ctl", folder / "data", folder / "log"
    run(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N")
    run(control, "-D", data, "-l", log, "-w", "-o", f"{_OPTIONS}{folder}", "start")
    try:
        yield lambda name: f"postgresql://postgres@/{name}?host={folder}"
    finally:
        run(control, "-D", data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


_NUMBERS = count()


@pytest.fixture
def postgres_url(postgres: Callable[[str], str]) -> Iterator[str]:
    """Make a database on the server; remove it at the end."""
    psycopg = pytest.importorskip("psycopg")
    name = f"tests_{next(_NUMBERS)}"
    with psycopg.connect(postgres("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgres(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
