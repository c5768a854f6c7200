"""The registry on SQLite and on PostgreSQL: the same answers, and nothing lost among many."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection

from headstart.database.engine import engine_for
from headstart.hub.access import tokens
from headstart.hub.access.model import Asker
from headstart.hub.actions import admitting, finding, keeping, pushing
from headstart.hub.errors import ForbiddenError
from headstart.hub.hub import Hub, open_hub
from headstart.hub.registry import audit, commits, refs, repos, search, trees
from headstart.hub.registry.model import Commit, Kind
from headstart.hub.registry.purpose import REGISTRY
from headstart.hub.registry.search import Wish

WRITERS, EACH = 8, 6


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    """Return a hub, once on each kind of database."""
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    found = open_hub(tmp_path / "hub", url)
    yield found
    found.database.close()


@pytest.fixture
def asker(either: Hub) -> Asker:
    text, _ = admitting.token(either, "ann", "write")
    keep = either.database
    found = keep.read(lambda c: tokens.recognise(c, text))
    keeping.create(either, found, Kind.MODEL, "ann", "m", private=True)
    return found


def push(hub: Hub, asker: Asker, path: str, content: str) -> Commit:
    lines = [
        {"key": "header", "value": {"summary": path}},
        {"key": "file",
         "value": {"path": path, "content": base64.b64encode(content.encode()).decode()}},
    ]  # fmt: skip
    encoded = [json.dumps(line).encode() for line in lines]
    return pushing.push(hub, asker, Kind.MODEL, "ann/m", "main", encoded)[1]


def test_many_writers_of_one_branch_lose_nothing(either: Hub, asker: Asker) -> None:
    def work(writer: int) -> list[str]:
        return [
            push(either, asker, f"{writer}/{number}", f"{writer}-{number}").id
            for number in range(EACH)
        ]

    with ThreadPoolExecutor(WRITERS) as pool:
        made = [one for found in pool.map(work, range(WRITERS)) for one in found]
    found = either.database.read(
        lambda c: finding.revision_for(c, asker, Kind.MODEL, "ann/m", "main")
    )
    line = either.database.read(lambda c: commits.history(c, found.repo, found.commit))
    files = either.database.read(lambda c: trees.entries(c, found.commit.tree))
    assert {one.id for one in line} == {*made, line[-1].id}
    assert [one.serial for one in line] == list(range(WRITERS * EACH, -1, -1))
    for writer in range(WRITERS):
        for number in range(EACH):
            content = b"".join(either.store.read(files[f"{writer}/{number}"].sha256))
            assert content == f"{writer}-{number}".encode()
    assert either.database.read(lambda c: list(audit.broken(c))) == []


def test_writers_of_many_repos_seal_one_audit_log(either: Hub, asker: Asker) -> None:
    def work(writer: int) -> None:
        for number in range(EACH):
            name = f"m-{writer}-{number}"
            keeping.create(either, asker, Kind.MODEL, "ann", name, private=True)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(work, range(WRITERS)))
    assert either.database.read(lambda c: list(audit.broken(c))) == []


def test_lists_page_through_all_in_order(either: Hub, asker: Asker) -> None:
    for number in range(7):
        keeping.create(either, asker, Kind.MODEL, "ann", f"bird-{number}", private=number % 2 == 0)
    sight = either.database.read(lambda c: finding.sight_of(c, asker))
    seen: list[str] = []
    cursor = None
    while True:
        wish = Wish(Kind.MODEL, "BIRD", limit=3, cursor=cursor)
        page, cursor = either.database.read(lambda c, w=wish: search.search(c, w, sight))  # type: ignore[misc]
        seen += [one.name for one in page]
        if cursor is None:
            break
    assert seen == [f"ann/bird-{number}" for number in range(6, -1, -1)]


def test_a_name_is_one_however_it_is_written(either: Hub, asker: Asker) -> None:
    assert either.database.read(lambda c: repos.find(c, Kind.MODEL, "ANN/M")) is not None
    assert either.database.read(lambda c: repos.find(c, Kind.DATASET, "ann/m")) is None


def test_a_failure_leaves_everything_as_it_was(either: Hub, asker: Asker) -> None:
    repo = either.database.read(lambda c: repos.find(c, Kind.MODEL, "ann/m"))
    assert repo is not None

    def work(connection: Connection) -> None:
        repos.delete(connection, repo)
        raise ForbiddenError("no")

    with pytest.raises(ForbiddenError):
        either.database.write(work)
    assert either.database.read(lambda c: refs.get(c, repo, "main")) is not None


def test_the_migrations_make_the_tables_that_are_asked(either: Hub) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    url = either.database.url
    with engine_for(url, REGISTRY).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": REGISTRY.version_table,
                "include_name": lambda name, *_: "hub_words" not in str(name),  # the database's own
            },
        )
        assert compare_metadata(context, REGISTRY.metadata) == []


def test_the_audit_log_is_one_chain_whoever_writes_at_once(either: Hub, asker: Asker) -> None:
    def create(number: int) -> None:
        keeping.create(either, asker, Kind.MODEL, "ann", f"r{number}", private=True)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(create, range(WRITERS * EACH)))
    assert either.database.read(lambda c: list(audit.broken(c))) == []
