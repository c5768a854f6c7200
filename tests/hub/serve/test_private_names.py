"""What is private and what is not there are answered alike: words, headers, and work done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import event

from headstart.hub.hub import Hub
from tests.hub.conftest import Join, Person
from tests.hub.serve.talk import JSON, Talk

HIDDEN, MISSING = "ann/hidden-one", "ann/absent-one"
VALUES = {"kinds": "models", "revision": "main", "path": "README.md", "branch": "b", "tag": "t",
          "verb": "revoke", "version": "main"}  # fmt: skip
BODIES: dict[str, Any] = {
    "preupload": {"files": [{"path": "a", "size": 3}]}, "tag": {"tag": "t"},
    "batch": {"operation": "upload", "objects": [{"oid": "0" * 64, "size": 1}]},
    "approve": {"revision": "main"}, "settings": {"private": False}, "branch": {},
}  # fmt: skip
OTHER = [  # names that travel in bodies and queries
    ("DELETE", "/api/repos/delete", '{"name": "NAME"}'),
    ("POST", "/api/repos/move", '{"fromRepo": "NAME", "toRepo": "ben/mine"}'),
    ("POST", "/api/repos/create", '{"name": "NAME"}'),
    ("GET", "/api/models?author=ann&search=LAST&full=true", ""),
    ("GET", "/api/models?search=NAME", ""),
    ("GET", "/models?q=LAST", ""),
    ("GET", "/ann", ""),
]


@dataclass(frozen=True)
class Told:
    """All that somebody learns from an answer, and all that was done for it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    queries: tuple[str, ...]


@pytest.fixture
def queries(hub: Hub) -> Iterator[list[str]]:
    """Collect the SQL that is sent."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    engine = hub.database._engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def told(
    talk: Talk, queries: list[str], name: str, who: Person | None, method: str, path: str, body: str
) -> Told:
    """Ask for one repo, and return what is learnt without its name."""
    del queries[:]
    last = name.rpartition("/")[2]
    path = path.replace("NAME", name).replace("LAST", last)
    content = body.replace("NAME", name).encode()
    answer = talk.ask(method, path, who, content=content, headers=JSON if body else {})

    def plain(text: str) -> str:
        text = text.replace(last, "LAST")
        text = re.sub(r'name="ticket" value="[^"]+"', "", text)
        return re.sub(r"[0-9a-f]{16,}", "HEX", text)

    headers = sorted((key, plain(value)) for key, value in answer.headers.items())
    return Told(answer.status_code, tuple(headers), plain(answer.text), tuple(queries))


def routes(app: FastAPI) -> Iterator[tuple[str, str, str]]:
    """Yield each way to ask for a repo: method, path with NAME for the repo, body."""
    nested = [getattr(one, "original_router", None) for one in app.routes]
    for route in [*app.routes, *(route for one in nested if one for route in one.routes)]:
        path, methods = getattr(route, "path", ""), getattr(route, "methods", None) or ()
        if "{owner}/{name}" not in path:
            continue
        for key, value in VALUES.items():
            path = re.sub(rf"\{{{key}(:path)?\}}", value, path)
        path = path.replace("{owner}/{name}", "NAME")
        assert "{" not in path, path
        for method in sorted(methods):
            words = [word for word in BODIES if f"/{word}" in path]
            sent = json.dumps(BODIES[words[-1]] if words else {}) if method in "POSTPUT" else ""
            yield method, path, sent


@pytest.fixture
def hidden(talk: Talk, ann: Person, hub: Hub) -> None:
    """Let there be a private repo with a card that says much, of both kinds."""
    assert hub.secret  # made at its first use
    for kind in ("model", "dataset"):
        talk.create(ann, HIDDEN, kind=kind)
        card = f"---\nlicense: mit\ntags: [{', '.join(f't{n}' for n in range(99))}]\n---\n# Hi"
        assert talk.push(ann, HIDDEN, kind, README__md=card).status_code == 200


@pytest.mark.parametrize("who", ["stranger", "ben", "reader", "scoped"])
def test_nobody_tells_a_private_repo_from_none(
    talk: Talk, hub: Hub, app: FastAPI, hidden: None, queries: list[str], join: Join, who: str
) -> None:
    people: dict[str, Person | None] = {
        "stranger": None, "ben": join("ben"), "reader": join("rita", "read"),
        "scoped": join("ann", "write", scope=("ann/other",)),
    }  # fmt: skip
    person = people[who]
    asked = list(routes(app))
    assert len(asked) > 40
    if who == "scoped":
        asked += OTHER[:2] + OTHER[3:]
    else:
        asked += OTHER
    told(talk, queries, MISSING, person, *asked[0])  # what is cached is cached by now
    for one in asked:
        there = told(talk, queries, HIDDEN, person, *one)
        none = told(talk, queries, MISSING, person, *one)
        assert there == none, one


def test_the_owner_is_told(talk: Talk, hidden: None, ann: Person, app: FastAPI) -> None:
    codes = {
        talk.ask(method, path.replace("NAME", HIDDEN), ann).headers.get("x-error-code")
        for method, path, _ in routes(app)
        if method == "GET" and path.startswith("/api")
    }
    assert None in codes
    assert "RepoNotFound" not in codes
