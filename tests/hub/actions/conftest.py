"""A model of ann's to push to, and what readers see of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("fastapi", reason="the hub's packages are not installed")

from headstart.hub.actions import finding, keeping, pushing
from headstart.hub.hub import Hub
from headstart.hub.registry import repos, states
from headstart.hub.registry.model import Commit, Kind, Repo, State
from tests.hub.conftest import Person

NAME = "ann/birds"
Pushed = Callable[[str], Commit]


@pytest.fixture
def push(hub: Hub, ann: Person) -> Pushed:
    """Push a file of this content to ann's public model."""
    keeping.create(hub, ann.asker, Kind.MODEL, "ann", "birds", private=False)

    def done(content: str) -> Commit:
        lines = [
            b'{"key": "header", "value": {"summary": "x"}}',
            b'{"key": "file", "value": {"path": "a", "content": "%s"}}' % content.encode(),
        ]
        return pushing.push(hub, ann.asker, Kind.MODEL, NAME, "main", lines)[1]

    return done


def judged(hub: Hub, commit: Commit, state: State = State.GATED, **evidence: object) -> None:
    repo = known(hub, commit)
    hub.database.write(lambda c: states.put(c, repo, commit, state, "-", evidence=evidence))


def known(hub: Hub, commit: Commit) -> Repo:
    return hub.database.read(lambda c: repos.by_id(c, commit.repo))


def seen(hub: Hub, person: Person, revision: str = "main") -> str:
    found = hub.database.read(
        lambda c: finding.revision_for(c, person.asker, Kind.MODEL, NAME, revision)
    )
    return found.commit.id
