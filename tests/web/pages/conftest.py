"""A hub with a model in it, its pages, and people who look at them."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the hub's packages are not installed")

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from headstart.hub.actions import keeping, pushing
from headstart.hub.hub import Hub
from headstart.hub.registry import repos, states
from headstart.hub.registry.model import Commit, Kind, State
from headstart.hub.serve.app import create_app
from headstart.web.site import add_pages
from tests.hub.conftest import Person, ann, ben, cara, hub, join  # noqa: F401
from tests.report.conftest import browser, screenshots  # noqa: F401

CARD = """---
license: mit
library_name: transformers
pipeline_tag: text-classification
language: [en, de]
base_model: ann/base
---
# Birds

Tells birds from [others](https://example.org) by their [settings](config.json).
"""
EVIDENCE: dict[str, Any] = {
    "findings": [
        {"check": "licence", "passed": True, "words": "The licence mit is allowed."},
        {"check": "tasks", "passed": True, "words": "Accuracy is high enough.",
         "details": {"accuracy": {"value": 0.812, "low": 0.762, "high": 0.859}}},
    ],
    "standard": {"name": "house", "licences": ["mit"]},
}  # fmt: skip
Signed = Callable[[Person], TestClient]


@dataclass(frozen=True)
class Shop:
    """Pushes and judges, for tests that need something to look at."""

    hub: Hub
    person: Person

    def push(
        self, name: str = "ann/birds", files: Mapping[str, str | bytes] | None = None, *,
        private: bool = False, kind: Kind = Kind.MODEL, state: State | None = None,
    ) -> Commit:  # fmt: skip
        """Push files, making the repo where there is none; set where the revision stands."""
        owner, _, last = name.partition("/")
        if self.hub.database.read(lambda c: repos.find(c, kind, name)) is None:
            keeping.create(self.hub, self.person.asker, kind, owner, last, private=private)
        lines = [b'{"key": "header", "value": {"summary": "bring it"}}']
        for path, content in (files or {"README.md": CARD, "config.json": "{}"}).items():
            data = content.encode() if isinstance(content, str) else content
            value = {"path": path, "content": base64.b64encode(data).decode()}
            lines.append(json.dumps({"key": "file", "value": value}).encode())
        _, commit = pushing.push(self.hub, self.person.asker, kind, name, "main", lines)
        if state is not None:
            self.judge(commit, state)
        return commit

    def judge(self, commit: Commit, state: State) -> None:
        """Let the gate have said so."""

        def work(connection: Any) -> None:
            repo = repos.by_id(connection, commit.repo)
            states.put(connection, repo, commit, state, "-", evidence=EVIDENCE)

        self.hub.database.write(work)


@pytest.fixture
def shop(hub: Hub, ann: Person) -> Shop:  # noqa: F811
    return Shop(hub, ann)


@pytest.fixture
def studies(tmp_path: Path) -> Path:
    folder = tmp_path / "studies"
    folder.mkdir()
    return folder


@pytest.fixture
def app(hub: Hub, studies: Path) -> FastAPI:  # noqa: F811
    made = create_app(hub)
    add_pages(made, studies)
    return made


@pytest.fixture
def stranger(app: FastAPI) -> TestClient:
    return TestClient(app, follow_redirects=False)


@pytest.fixture
def signed(app: FastAPI) -> Signed:
    """Return a browser of somebody who has signed in."""

    def done(person: Person) -> TestClient:
        client = TestClient(app, follow_redirects=False)
        form = {"ticket": ticket(client, "/login"), "token": person.token}
        assert client.post("/login", data=form).status_code == 303
        return client

    return done


def ticket(client: TestClient, page: str) -> str:
    """Return what the forms of a page carry."""
    found = re.search(r'name="ticket" value="([^"]+)"', client.get(page).text)
    assert found is not None
    return found[1]


@pytest.fixture
def site(app: FastAPI) -> Iterator[str]:
    """Serve the pages; the address has a port that was free."""
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    socket.listen()  # who comes before the server runs waits
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
