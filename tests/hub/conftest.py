"""A hub in a folder of its own, and a server for it that real clients can talk to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the hub's packages are not installed")

import uvicorn
from huggingface_hub import HfApi

from headstart.hub.access import tokens
from headstart.hub.access.model import Asker
from headstart.hub.actions import admitting
from headstart.hub.hub import Hub, open_hub
from headstart.hub.serve.app import create_app

Join = Callable[..., "Person"]


@dataclass(frozen=True)
class Person:
    """Somebody with a token."""

    name: str
    token: str
    asker: Asker


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    found = open_hub(tmp_path / "hub")
    yield found
    found.database.close()


@pytest.fixture
def join(hub: Hub) -> Join:
    """Let somebody in."""

    def person(name: str, role: str = "write", **options: object) -> Person:
        text, _ = admitting.token(hub, name, role, **options)  # type: ignore[arg-type]
        return Person(name, text, hub.database.read(lambda c: tokens.recognise(c, text)))

    return person


@pytest.fixture
def ann(join: Join) -> Person:
    return join("ann")


@pytest.fixture
def ben(join: Join) -> Person:
    return join("ben")


@pytest.fixture
def cara(join: Join) -> Person:
    return join("cara", "approve")


@pytest.fixture
def address(hub: Hub) -> Iterator[str]:
    """Serve the hub; the address has a port that was free."""
    with served(create_app(hub)) as found:
        yield found


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an application until the block ends; give its address."""
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    socket.listen()  # who comes before the server runs waits
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(autouse=True)
def nothing_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test find in the client's cache what another fetched."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))


@pytest.fixture
def client(address: str) -> Callable[[Person | None], HfApi]:
    """Return huggingface_hub's own client for somebody, or for a stranger."""
    return lambda person: HfApi(address, token=person.token if person else False)
