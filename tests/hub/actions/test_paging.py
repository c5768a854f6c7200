"""Pages of lists tell of each repo what a look at it alone tells, in few queries."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, event

from headstart.hub.actions import enforcing, finding, keeping, paging, pushing
from headstart.hub.actions.describing import describe
from headstart.hub.errors import HubError
from headstart.hub.hub import Hub
from headstart.hub.registry import refs, repos, states, trees
from headstart.hub.registry.model import Commit, Entry, Kind, State
from headstart.hub.registry.search import Wish
from tests.hub.conftest import Person

KINDS = ("plain", "newer", "empty", "approved", "newer-approved", "expired", "expired-newer",
         "refused", "refused-newer", "revoked", "retired")  # fmt: skip
PAST = datetime.now(UTC) - timedelta(days=1)
Held = tuple[Commit, dict[str, Entry]]


def push(hub: Hub, person: Person, kind: Kind, name: str, word: str) -> Commit:
    content = base64.b64encode(f"---\ntags: [{word}]\n---\n".encode())
    lines = [
        b'{"key": "header", "value": {"summary": "x"}}',
        b'{"key": "file", "value": {"path": "README.md", "content": "%s"}}' % content,
    ]
    return pushing.push(hub, person.asker, kind, f"ann/{name}", "main", lines)[1]


def judge(hub: Hub, commit: Commit, state: State, expires: datetime | None = None) -> None:
    def work(connection: Connection) -> None:
        repo = repos.by_id(connection, commit.repo)
        states.put(connection, repo, commit, state, "-", expires=expires)
        if state is State.APPROVED:
            refs.publish(connection, repo, commit.id)
            describe(hub, connection, repo, commit, published=True)

    hub.database.write(work)


@pytest.fixture
def shelf(hub: Hub, ann: Person) -> Hub:
    """Return a hub with a public model in every state that there is, and a data set."""
    for name in KINDS:
        keeping.create(hub, ann.asker, Kind.MODEL, "ann", name, private=False)
        if name == "empty":
            continue
        last = push(hub, ann, Kind.MODEL, name, "one")
        became = name.partition("-")[0]
        if became in ("approved", "newer", "expired"):
            judge(hub, last, State.APPROVED, PAST if became == "expired" else None)
        if "newer" in name:
            last = push(hub, ann, Kind.MODEL, name, "two")
        if became in ("refused", "revoked", "retired"):
            judge(hub, last, State(became))
        if name == "newer-approved":
            judge(hub, last, State.APPROVED)
            push(hub, ann, Kind.MODEL, name, "three")
    keeping.create(hub, ann.asker, Kind.DATASET, "ann", "rows", private=False)
    push(hub, ann, Kind.DATASET, "rows", "one")
    return hub


def alone(hub: Hub, person: Person, kind: Kind, name: str) -> Held | None:
    def look(connection: Connection) -> Held:
        found = finding.revision_for(connection, person.asker, kind, name, "main")
        return found.commit, trees.entries(connection, found.commit.tree)

    with suppress(HubError):
        return hub.database.read(look)
    return None


@pytest.mark.parametrize("enforced", [True, False])
@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("who", ["ann", "ben", "cara"])
def test_a_page_tells_of_each_repo_what_a_look_at_it_alone_tells(
    who: str, kind: Kind, enforced: bool, shelf: Hub, request: pytest.FixtureRequest
) -> None:
    person: Person = request.getfixturevalue(who)
    enforcing.enforce(shelf, enforced)
    lines, _ = shelf.database.read(lambda c: paging.deep_page(c, person.asker, Wish(kind)))
    assert lines
    for line in lines:
        told = (line.main.commit, dict(line.files)) if line.main else None
        assert told == alone(shelf, person, kind, line.repo.name), line.repo.name


def test_lists_know_of_which_commit_they_show_the_card(shelf: Hub, ann: Person) -> None:
    lines, _ = shelf.database.read(lambda c: paging.deep_page(c, ann.asker, Wish(Kind.MODEL)))
    stale = {line.repo.name for line in lines if line.main and not line.main.described}
    assert stale == {"ann/newer", "ann/newer-approved", "ann/expired-newer"}


def test_a_page_costs_as_many_queries_however_many_repos_it_has(shelf: Hub, cara: Person) -> None:
    asked: list[str] = []

    def note(*told: object) -> None:
        asked.append(str(told[2]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        counts = []
        for limit in (2, len(KINDS)):
            asked.clear()
            wish = Wish(Kind.MODEL, limit=limit)
            shelf.database.read(lambda c, w=wish: paging.deep_page(c, cara.asker, w))  # type: ignore[misc]
            counts.append(len(asked))
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert counts[0] == counts[1] <= 10


def test_a_page_of_repos_with_very_many_files_is_shorter_and_the_next_goes_on(
    shelf: Hub, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST_FILES", 3)  # each has one or two
    found: list[str] = []
    wish = Wish(Kind.MODEL, limit=10)
    pages = 0
    while True:
        lines, after = shelf.database.read(
            lambda c, w=wish: paging.deep_page(c, ann.asker, w)  # type: ignore[misc]
        )
        assert sum(len(line.files) for line in lines) <= 3
        found += [line.repo.name for line in lines]
        pages += 1
        if after is None:
            break
        wish = Wish(Kind.MODEL, limit=10, cursor=after)
    assert sorted(found) == sorted(f"ann/{name}" for name in KINDS)
    assert pages > len(KINDS) // 2
