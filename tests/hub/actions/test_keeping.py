"""Names that were used once lead to what had them, or to nothing: never to somebody else's."""

from __future__ import annotations

import pytest

from headstart.hub.access import tokens
from headstart.hub.access.model import Asker
from headstart.hub.actions import finding, keeping, teaming
from headstart.hub.errors import ConflictError, ForbiddenError, NoRepoError
from headstart.hub.hub import Hub
from headstart.hub.registry.model import Kind
from tests.hub.conftest import Join, Person


def now(hub: Hub, person: Person) -> Asker:
    """Return somebody with the teams they belong to by now."""
    return hub.database.read(lambda c: tokens.recognise(c, person.token))


def make(hub: Hub, person: Person, name: str) -> None:
    owner, _, short = name.partition("/")
    keeping.create(hub, now(hub, person), Kind.MODEL, owner, short, private=False)


def test_a_deleted_name_comes_back_for_nobody_outside_its_namespace(
    hub: Hub, ann: Person, join: Join
) -> None:
    make(hub, ann, "flock/birds")
    make(hub, ann, "flock/old")
    keeping.rename(hub, now(hub, ann), Kind.MODEL, "flock/old", "ann", "new")
    keeping.delete(hub, now(hub, ann), Kind.MODEL, "ann/new")
    keeping.delete(hub, now(hub, ann), Kind.MODEL, "flock/birds")
    root = join("root", "admin")
    for name in ("flock/old", "FLOCK/Old"):  # the repo that had it was ann's in the end
        with pytest.raises(ConflictError, match="do not come back"):
            make(hub, root, name)
    with pytest.raises(ForbiddenError):
        make(hub, join("eve"), "flock/birds")
    make(hub, ann, "flock/birds")  # its own people may


def test_a_renamed_repo_is_found_by_its_old_name_and_nobody_takes_that(
    hub: Hub, ann: Person, ben: Person, join: Join
) -> None:
    make(hub, ann, "ann/old")
    keeping.rename(hub, ann.asker, Kind.MODEL, "ann/old", "flock", "new")
    found = hub.database.read(lambda c: finding.repo_for(c, ben.asker, Kind.MODEL, "ann/old"))
    assert found.name == "flock/new"
    with pytest.raises(ConflictError, match="do not come back"):
        make(hub, join("root", "admin"), "ann/old")
    make(hub, ben, "ben/mine")
    with pytest.raises(ForbiddenError):
        keeping.rename(hub, now(hub, ben), Kind.MODEL, "ben/mine", "ann", "old")
    keeping.delete(hub, now(hub, ann), Kind.MODEL, "flock/new")
    with pytest.raises(NoRepoError):
        hub.database.read(lambda c: finding.repo_for(c, ben.asker, Kind.MODEL, "ann/old"))
    with pytest.raises(ConflictError, match="do not come back"):
        make(hub, ann, "ann/old")


def test_namespaces_stay_whose_they_are(hub: Hub, ann: Person, ben: Person) -> None:
    make(hub, ann, "flock/birds")
    keeping.delete(hub, now(hub, ann), Kind.MODEL, "flock/birds")
    for name in ("flock", "Flock", "ann"):
        with pytest.raises(ConflictError):
            teaming.found(hub, ben.asker, name)
        with pytest.raises(ForbiddenError):
            make(hub, ben, f"{name}/birds")
