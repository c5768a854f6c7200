"""Searches find what a look at every repo finds, in the same order, by whatever way they go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from bench.hub_models import OWNERS, RARE, fill
from headstart.database.engine import engine_for, writing
from headstart.database.schema import configuration
from headstart.hub.hub import Hub, open_hub
from headstart.hub.registry import narrowing
from headstart.hub.registry.model import Kind, State
from headstart.hub.registry.purpose import REGISTRY
from headstart.hub.registry.search import SORTS, Sight, Wish, search
from headstart.hub.registry.tables import RepoTable, RepoTagTable, RevisionTable

MODELS, PAGE = 120, 7
MIT, TASK = "license:mit", "text-classification"
SIGHTS = {
    "stranger": Sight(),
    "member": Sight(frozenset(OWNERS[:150]), frozenset(OWNERS[:80]), mirrors=True),
    "approver": Sight(None, None),
    "not enforced": Sight(frozenset(), None),
}
WISHES = {
    "all": Wish(Kind.MODEL),
    "one tag": Wish(Kind.MODEL, tags=(MIT,)),
    "two tags": Wish(Kind.MODEL, tags=("bert", MIT)),
    "a tag twice": Wish(Kind.MODEL, tags=(MIT, MIT)),
    "three tags": Wish(Kind.MODEL, tags=("bert", "birds", "transformers")),
    "a tag that none has": Wish(Kind.MODEL, tags=(MIT, "nowhere")),
    "tags and words": Wish(Kind.MODEL, "bert", tags=(TASK,)),
    "tags and an owner": Wish(Kind.MODEL, owner="TEAM-001", tags=(MIT,)),
    "tags, a task and a size": Wish(Kind.MODEL, tags=(MIT,), tasks=(TASK,), largest=5 * 10**8),
    "a rare word": Wish(Kind.MODEL, RARE),
    **{str(state): Wish(Kind.MODEL, state=state) for state in State},
    "refused, with a tag": Wish(Kind.MODEL, tags=(MIT,), state=State.REFUSED),
}


@dataclass(frozen=True)
class Shelf:
    """A hub with models, and all that searches may go by, as rows."""

    hub: Hub
    repos: list[Any]
    tags: dict[str, set[str]]
    states: dict[str, set[str]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shelf(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shelf]:
    """Return a filled hub, once on each kind of database."""
    url = None
    if request.param == "postgresql":
        psycopg = pytest.importorskip("psycopg")
        url_of = request.getfixturevalue("postgres")
        with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE searches")
        url = url_of("searches")
    hub = open_hub(tmp_path_factory.mktemp("shelf") / "hub", url)
    fill(hub, MODELS)
    yield hub.database.read(lambda c: looked(hub, c))
    hub.database.close()


def looked(hub: Hub, connection: Connection) -> Shelf:
    found = Shelf(hub, list(connection.execute(select(RepoTable.__table__)).all()), {}, {})
    for row in connection.execute(select(RepoTagTable.repo, RepoTagTable.tag)):
        found.tags.setdefault(row.repo, set()).add(row.tag)
    for row in connection.execute(select(RevisionTable.repo, RevisionTable.state)):
        found.states.setdefault(row.repo, set()).add(row.state)
    return found


def expected(shelf: Shelf, wish: Wish, sight: Sight) -> list[str]:
    """Return what there is to be found, by looking at every repo."""

    def within(row: Any, owners: frozenset[str] | None) -> bool:
        return owners is None or row.owner in owners

    def stands(row: Any) -> bool:
        if wish.state is State.APPROVED:
            return bool(row.published)
        if wish.state is None:
            return True
        states = shelf.states.get(row.id, set())
        there = wish.state in states if wish.state is not State.CANDIDATE else not states
        return there and within(row, sight.drafts)

    def wanted(row: Any) -> bool:
        return (
            (not row.private or within(row, sight.owners))
            and (row.published or within(row, sight.drafts))
            and (wish.owner is None or row.owner == wish.owner.lower())
            and set(wish.tags) <= shelf.tags[row.id]
            and all(word in row.words for word in wish.words.split())
            and (wish.largest is None or row.size <= wish.largest)
            and (not wish.tasks or row.pipeline in wish.tasks)
            and stands(row)
        )

    key = SORTS[wish.sort].name
    rows = sorted(shelf.repos, key=lambda row: (row._mapping[key], row.id), reverse=True)
    return [row.name for row in rows if wanted(row)]


def found(hub: Hub, wish: Wish, sight: Sight) -> list[str]:
    """Return what searches find, page after page."""
    names: list[str] = []
    wish = replace(wish, limit=PAGE)
    while True:
        page, after = hub.database.read(lambda c, w=wish: search(c, w, sight))  # type: ignore[misc]
        names += [one.name for one in page]
        if after is None:
            return names
        wish = replace(wish, cursor=after)


@pytest.mark.parametrize("few", [3, 1000])
@pytest.mark.parametrize("sort", ["lastModified", "downloads"])
def test_a_search_finds_what_a_look_at_every_repo_finds(
    shelf: Shelf, few: int, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(narrowing, "FEW", few)
    monkeypatch.setattr(narrowing, "MANY", few)
    some = 0
    for who, sight in SIGHTS.items():
        for what, wish in WISHES.items():
            wish = replace(wish, sort=sort)
            right = expected(shelf, wish, sight)
            assert found(shelf.hub, wish, sight) == right, (who, what)
            some += bool(right)
    assert some > len(WISHES)


def test_a_registry_of_before_finds_the_same_once_it_is_upgraded(
    tmp_path: Path, shelf: Shelf
) -> None:
    from alembic import command

    url = shelf.hub.database.url
    engine = writing(engine_for(url, REGISTRY))
    with engine.begin() as connection:
        command.downgrade(configuration(connection, REGISTRY), "0003")
    again = open_hub(shelf.hub.root, None if isinstance(url, Path) else str(url))
    for wish in WISHES.values():
        sight = SIGHTS["approver"]
        assert found(again, wish, sight) == expected(shelf, wish, sight)
    again.database.close()
