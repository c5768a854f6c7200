"""A PostgreSQL server of the tests' own, where the machine has its programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from bench.postgres import programs, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[str], str]]:
    """Start a server on a socket of its own; give a function from database name to URL."""
    found = programs()
    if found is None:
        pytest.skip("needs PostgreSQL's server programs (initdb, pg_ctl), which this machine lacks")
    with running(found) as url_of:
        yield url_of


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
