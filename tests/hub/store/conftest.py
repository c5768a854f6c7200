"""A fresh depot for each test: a folder, fsspec's memory, and fsspec over a folder."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from headstart.hub.store.depot import Depot, depot_at
from headstart.hub.store.local import LocalDepot
from headstart.hub.store.remote import RemoteDepot
from headstart.hub.store.store import Store


@pytest.fixture(params=["local", "memory", "file"])
def depot(request: pytest.FixtureRequest, tmp_path: Path) -> Depot:
    if request.param == "local":
        return depot_at(str(tmp_path / "hub"))
    if request.param == "memory":
        return depot_at(f"memory://{uuid4().hex}")
    return RemoteDepot(f"file://{tmp_path}/hub")


@pytest.fixture
def store(depot: Depot) -> Store:
    return Store(depot)


@pytest.fixture
def local(tmp_path: Path) -> Store:
    return Store(LocalDepot(tmp_path / "hub"))
