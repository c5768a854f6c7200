"""Large files go from repo to repo for those who may read the one and write the other."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from sqlalchemy import Connection

from headstart.hub.actions import heavy, keeping, pushing
from headstart.hub.actions.duplicating import duplicate
from headstart.hub.errors import ForbiddenError, NoRepoError, WithheldError
from headstart.hub.hub import Hub
from headstart.hub.registry import commits, refs, repos, states
from headstart.hub.registry.model import Commit, Kind, State
from tests.hub.conftest import Person

CONTENT = b"weights" * 1000
OID = hashlib.sha256(CONTENT).hexdigest()
TARGET = heavy.Target(Kind.MODEL, "ben/copy")


@pytest.fixture
def pushed(hub: Hub, ann: Person, ben: Person) -> Commit:
    """Let ann push a large file to her public model, unapproved; ben has an empty one."""
    repo = keeping.create(hub, ann.asker, Kind.MODEL, "ann", "birds", private=False)
    keeping.create(hub, ben.asker, Kind.MODEL, "ben", "copy", private=True)
    hub.store.add([CONTENT])
    hub.database.write(lambda c: commits.remember_upload(c, repo, OID, len(CONTENT), "ann"))
    lines = [
        {"key": "header", "value": {"summary": "x"}},
        {"key": "lfsFile", "value": {"path": "w.bin", "algo": "sha256", "oid": OID}},
        {"key": "file", "value": {"path": "a", "content": base64.b64encode(b"a").decode()}},
    ]
    raw = [json.dumps(line).encode() for line in lines]
    return pushing.push(hub, ann.asker, Kind.MODEL, "ann/birds", "main", raw)[1]


def approve(hub: Hub, commit: Commit) -> None:
    repo = hub.database.read(lambda c: repos.by_id(c, commit.repo))
    hub.database.write(lambda c: states.put(c, repo, commit, State.APPROVED, "cara", evidence={}))


def test_what_is_approved_may_be_had_and_a_draft_may_not(
    hub: Hub, pushed: Commit, ben: Person
) -> None:
    assert heavy.share(hub, ben.asker, Kind.MODEL, "ann/birds", TARGET, [OID]) == [OID]
    approve(hub, pushed)
    assert heavy.share(hub, ben.asker, Kind.MODEL, "ann/birds", TARGET, [OID]) == []
    mine = hub.database.read(lambda c: repos.find(c, Kind.MODEL, "ben/copy"))
    assert mine is not None
    assert hub.database.read(lambda c: commits.uploaded(c, mine, OID))


def test_who_may_not_see_a_repo_or_not_write_the_other_gets_nothing(
    hub: Hub, pushed: Commit, ann: Person, ben: Person
) -> None:
    with pytest.raises(NoRepoError):  # ben's is private: ann does not learn of it
        heavy.share(hub, ann.asker, Kind.MODEL, "ann/birds", TARGET, [OID])
    keeping.show(hub, ann.asker, Kind.MODEL, "ann/birds", private=True)
    with pytest.raises(NoRepoError):
        heavy.share(hub, ben.asker, Kind.MODEL, "ann/birds", TARGET, [OID])


def test_large_files_are_listed_to_writers_only(
    hub: Hub, pushed: Commit, ann: Person, ben: Person
) -> None:
    found = heavy.heavy_files(hub, ann.asker, Kind.MODEL, "ann/birds")
    assert [(one.path, one.sha256, one.size) for one in found] == [("w.bin", OID, len(CONTENT))]
    with pytest.raises(ForbiddenError):
        heavy.heavy_files(hub, ben.asker, Kind.MODEL, "ann/birds")


def test_a_draft_is_duplicated_by_its_writers_only(
    hub: Hub, pushed: Commit, ann: Person, ben: Person
) -> None:
    with pytest.raises(WithheldError):
        duplicate(hub, ben.asker, Kind.MODEL, "ann/birds", "ben", "mine", private=True)
    made = duplicate(hub, ann.asker, Kind.MODEL, "ann/birds", "ann", "twin", private=True)
    found = heavy.heavy_files(hub, ann.asker, Kind.MODEL, made.name)
    assert [one.path for one in found] == ["w.bin"]


def test_a_squash_leaves_readers_what_they_had(hub: Hub, pushed: Commit, ann: Person) -> None:
    approve(hub, pushed)
    keeping.squash(hub, ann.asker, Kind.MODEL, "ann/birds", "main", "one")

    def look(c: Connection) -> tuple[list[str], set[str]]:
        repo = repos.by_id(c, pushed.repo)
        ref = refs.get(c, repo, "main")
        assert ref is not None
        line = commits.history(c, repo, commits.by_id(c, repo, ref.head))
        return [one.title for one in line], states.approved_ids(c, repo)

    assert hub.database.read(look) == (["one"], {pushed.id})
