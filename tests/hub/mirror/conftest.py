"""A second hub as the one that is mirrored, and a server that lies about what it has."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from huggingface_hub import HfApi

from headstart.hub.access import tokens
from headstart.hub.actions import admitting, enforcing, keeping, pushing
from headstart.hub.hub import Hub, open_hub
from headstart.hub.mirror.mirror import open_mirror
from headstart.hub.mirror.wire import Wire
from headstart.hub.registry.git import blob_oid
from headstart.hub.registry.model import Kind
from headstart.hub.serve.app import create_app
from tests.hub.conftest import Person, served

SHA = "0123456789abcdef0123456789abcdef01234567"
Here = Callable[..., AbstractContextManager[str]]


@dataclass
class Other:
    """The hub that is mirrored, and somebody there."""

    hub: Hub
    person: Person

    def push(self, name: str, files: dict[str, bytes], kind: Kind = Kind.MODEL) -> str:
        """Commit small files to a repo; make it where it is not there; return the commit."""
        owner, _, short = name.partition("/")
        lines: list[dict[str, Any]] = [{"key": "header", "value": {"summary": "x"}}]
        for path, content in files.items():
            value = {"path": path, "content": base64.b64encode(content).decode()}
            lines.append({"key": "file", "value": value})
        asker = self.person.asker
        if not self.has(name, kind):
            keeping.create(self.hub, asker, kind, owner, short, private=True)
        encoded = [json.dumps(line).encode() for line in lines]
        return pushing.push(self.hub, asker, kind, name, "main", encoded)[1].id

    def has(self, name: str, kind: Kind) -> bool:
        from headstart.hub.registry import repos

        return self.hub.database.read(lambda c: repos.find(c, kind, name)) is not None


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Other]:
    hub = open_hub(tmp_path / "other")
    text, _ = admitting.token(hub, "far", "admin")
    asker = hub.database.read(lambda c: tokens.recognise(c, text))
    yield Other(hub, Person("far", text, asker))
    hub.database.close()


@pytest.fixture
def far(other: Other) -> Iterator[str]:
    """The address of the hub that is mirrored."""
    with served(create_app(other.hub)) as found:
        yield found


@pytest.fixture
def here(hub: Hub) -> Here:
    """Serve a hub that mirrors an address; nothing is enforced unless a test says so."""
    enforcing.enforce(hub, False)

    @contextmanager
    def mirroring(
        address: str, token: str | None = None, *, hosts: tuple[str, ...] = (),
        minutes: float = 0, only: tuple[str, ...] = (),
    ) -> Iterator[str]:  # fmt: skip
        mirror = open_mirror(hub, Wire(address, token, hosts), only, minutes)
        with served(create_app(hub, mirror=mirror)) as found:
            yield found

    return mirroring


def api(address: str, person: Person | None) -> HfApi:
    return HfApi(address, token=person.token if person else False)


@dataclass
class Liar:
    """A hub of one repo that says of its files what a test wants, and counts who comes.

    Attributes:
        told: Files as its tree tells of them, by path.
        sent: What it sends for them; a text is where it leads instead.
        seen: Paths that were asked for, with the token that came.
    """

    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: dict[str, bytes | str] = field(default_factory=dict)
    seen: list[tuple[str, str | None]] = field(default_factory=list)
    sha: str = SHA

    def small(self, path: str, content: bytes) -> None:
        """Have a small file."""
        self.told[path] = {
            "type": "file", "path": path, "oid": blob_oid(content), "size": len(content)
        }  # fmt: skip
        self.sent[path] = content

    def large(self, path: str, content: bytes, sha256: str | None = None) -> None:
        """Have a large file."""
        oid = sha256 or hashlib.sha256(content).hexdigest()
        self.small(path, content)
        self.told[path]["lfs"] = {"oid": oid, "size": len(content), "pointerSize": 130}

    def app(self) -> FastAPI:
        """Return it as an application."""
        app = FastAPI()

        @app.get("/{path:path}")
        def answer(path: str, request: Request) -> Response:
            self.seen.append((path, request.headers.get("authorization")))
            if "/tree/" in path:
                return JSONResponse(list(self.told.values()))
            if path.startswith("api/"):
                return JSONResponse({"id": "birds/m", "sha": self.sha})
            found = self.sent[path.rpartition("/")[2]]
            if isinstance(found, str):
                return RedirectResponse(found, 302)
            return Response(found, media_type="application/octet-stream")

        return app


@pytest.fixture
def liar() -> Liar:
    return Liar()
