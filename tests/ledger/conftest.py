"""A fresh ledger for each test: on a SQLite file, and on a PostgreSQL run for the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headstart.ledger.ledger import Ledger


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """Open an empty ledger, once of each kind."""
    with Ledger.open(url, writer=("host-a", "ada")) as opened:
        yield opened
