"""Lists, searches and pages of a hub with 100,000 models, over HTTP, on SQLite and PostgreSQL.

The models are generated: owners, tasks, licences, languages, cards, a lineage; two thirds public,
most of them approved. Every kind of request is sent by a stranger, by a member of three teams and
by somebody who approves, one after the other; p95 is over all of a kind. Server and client share
the machine.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from bench.hub_models import ABSENT, OWNERS, RARE, TEAMS, WORDS, fill
from bench.hub_server import served, token
from bench.postgres import programs, running
from headstart.hub.hub import open_hub
from headstart.hub.signing import after, ticket

MODELS = 100_000
ROUNDS = 20
Headers = dict[str, str]


def run(part: str = "") -> list[dict[str, Any]]:
    """Time every kind of request on both databases, or on the one that is named."""
    found: list[dict[str, Any]] = []
    for kind in (part,) if part else ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory() as place, _database(kind) as url:
            root = Path(place) / "hub"
            options = ("--database", url) if url else ()
            began = time.perf_counter()
            hub = open_hub(root, url)
            names = fill(hub, MODELS)
            _settled(hub)
            print(f"{kind}: filled in {time.perf_counter() - began:.0f} s", flush=True)
            askers = [(Headers(), Headers())]
            for user, role in (("ann", "write"), ("cara", "approve")):
                teams = [one for team in TEAMS for one in ("--team", team)] if user == "ann" else []
                text = token(root, user, role, *teams, *options)
                askers.append(({"Authorization": f"Bearer {text}"}, _cookie(hub, user)))
            hub.database.close()
            with served(root, *options) as server:
                found += _timed(server.address, kind, names, askers)
    return found


@contextmanager
def _database(kind: str) -> Iterator[str | None]:
    place = programs() if kind == "postgresql" else None
    with running(place) if place else nullcontext() as url_of:
        yield url_of("postgres") if url_of else None


def _settled(hub: Any) -> None:
    """Do what PostgreSQL does by itself within a minute of so many rows."""
    if hub.database._engine.dialect.name == "postgresql":
        engine = hub.database._engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _cookie(hub: Any, user: str) -> Headers:
    """Return what a browser sends of somebody who is signed in."""
    from headstart.hub.access import tokens

    held = hub.database.read(lambda c: tokens.of_user(c, user))[0]
    return {"Cookie": f"headstart={ticket(hub.secret, 'pages', {'token': held.id}, after(3600))}"}


def _timed(
    address: str, kind: str, names: list[str], askers: list[tuple[Headers, Headers]]
) -> Iterator[dict[str, Any]]:
    connection = HTTPConnection(address.removeprefix("http://"))
    draw = random.Random(7)
    for what, page, paths in _requests(draw, names):
        seconds: list[float] = []
        for number, path in enumerate(paths):
            for asker in askers:
                began = time.perf_counter()
                connection.request("GET", path, headers=asker[1 if page else 0])
                answer = connection.getresponse()
                body = answer.read()
                if number:  # the first fills caches
                    seconds.append(time.perf_counter() - began)
                if answer.status not in (200, 403, 404, 401):
                    raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        yield {
            "what": f"{kind}: {what}", "p50_ms": 1e3 * float(np.median(seconds)),
            "p95_ms": 1e3 * float(np.quantile(seconds, 0.95)), "requests": len(seconds),
        }  # fmt: skip


def _requests(draw: random.Random, names: list[str]) -> Iterator[tuple[str, bool, list[str]]]:
    """Give kinds of requests: what they are, whether for a browser, and their paths."""

    def asked(path: str, **query: object) -> str:
        return f"{path}?{urlencode(query, doseq=True)}" if query else path

    def some(make: Any) -> list[str]:
        return [make(draw.choice(names), draw.choice(WORDS)) for _ in range(ROUNDS + 1)]

    api, page = "/api/models", "/models"
    yield "list", False, some(lambda n, w: asked(api, full="true", limit=100))
    yield "list by downloads", False, some(lambda n, w: asked(api, sort="downloads", limit=100))
    yield "list of an owner", False, some(lambda n, w: asked(api, author=draw.choice(OWNERS)))
    yield "search, a common word", False, some(lambda n, w: asked(api, search=w, limit=100))
    yield (
        "search, two words",
        False,
        some(lambda n, w: asked(api, search=f"{w} {draw.choice(WORDS)}", limit=100)),
    )
    yield "search, one model's name", False, some(lambda n, w: asked(api, search=n))
    yield "search, a rare word", False, some(lambda n, w: asked(api, search=RARE))
    yield "search, a word that is nowhere", False, some(lambda n, w: asked(api, search=ABSENT + w))
    yield "filter, one tag", False, some(lambda n, w: asked(api, filter="text-classification"))
    yield (
        "filter, three tags",
        False,
        some(lambda n, w: asked(api, filter=["license:mit", "text-classification", "de"])),
    )
    yield "search and filter", False, some(lambda n, w: asked(api, search=w, filter="de"))
    yield "info", False, some(lambda n, w: f"{api}/{n}")
    yield "tree", False, some(lambda n, w: f"{api}/{n}/tree/main?recursive=true")
    yield "file", False, some(lambda n, w: f"/{n}/resolve/main/config.json")
    yield "page: start", True, some(lambda n, w: "/")
    yield "page: models", True, some(lambda n, w: page)
    yield "page: models, a search", True, some(lambda n, w: asked(page, q=w))
    yield "page: models, a word that is nowhere", True, some(lambda n, w: asked(page, q=ABSENT + w))
    yield (
        "page: models, filters",
        True,
        some(lambda n, w: asked(page, task="text-classification", licence="mit", language="de")),
    )
    yield "page: models, by size", True, some(lambda n, w: asked(page, size="100MB", sort="size"))
    yield "page: models, approved", True, some(lambda n, w: asked(page, state="approved"))
    yield "page: models, candidates", True, some(lambda n, w: asked(page, state="candidate"))
    yield "page: models, refused", True, some(lambda n, w: asked(page, state="refused"))
    yield "page: a model", True, some(lambda n, w: f"/{quote(n)}")
    yield "page: its files", True, some(lambda n, w: f"/{quote(n)}/tree/main")
    yield "page: its revisions", True, some(lambda n, w: f"/{quote(n)}/commits/main")
    yield "page: its lineage", True, some(lambda n, w: f"/{quote(n)}/lineage")
