"""Approval publishes; nobody approves their own; what is withdrawn is not given out any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from headstart.hub.actions import approving, keeping
from headstart.hub.errors import BadRequestError, ForbiddenError, WithheldError
from headstart.hub.hub import Hub
from headstart.hub.registry import states
from headstart.hub.registry.model import Kind, State
from headstart.hub.registry.tables import CommitTable
from tests.hub.actions.conftest import NAME, Pushed, judged, known, seen
from tests.hub.conftest import Person


def test_readers_get_what_is_approved_and_writers_the_draft(
    hub: Hub, push: Pushed, ann: Person, ben: Person, cara: Person
) -> None:
    first = push("AAAA")
    judged(hub, first)
    approving.approve(hub, cara.asker, NAME, "main")
    second = push("BBBB")
    assert seen(hub, ben) == seen(hub, ben, "approved") == first.id
    assert seen(hub, ann) == second.id
    assert seen(hub, ann, "approved") == first.id
    with pytest.raises(WithheldError):
        seen(hub, ben, second.id)


def test_only_what_passed_the_gate_can_be_approved(
    hub: Hub, push: Pushed, ben: Person, cara: Person
) -> None:
    commit = push("AAAA")
    with pytest.raises(BadRequestError, match="candidate"):
        approving.approve(hub, cara.asker, NAME, "main")
    judged(hub, commit, State.REFUSED)
    with pytest.raises(BadRequestError, match="refused"):
        approving.approve(hub, cara.asker, NAME, "main")
    with pytest.raises(WithheldError):
        seen(hub, ben)


def test_nobody_approves_their_own(hub: Hub, push: Pushed, join: Callable[..., Person]) -> None:
    judged(hub, push("AAAA"))
    both = join("ann", "admin")
    with pytest.raises(ForbiddenError, match="their own"):
        approving.approve(hub, both.asker, NAME, "main")


def test_a_standard_may_allow_it(hub: Hub, push: Pushed, join: Callable[..., Person]) -> None:
    judged(hub, push("AAAA"), approval={"own": True})
    assert approving.approve(hub, join("ann", "approve").asker, NAME, "main")


def test_writers_do_not_approve(hub: Hub, push: Pushed, ben: Person) -> None:
    judged(hub, push("AAAA"))
    with pytest.raises(ForbiddenError, match="role 'approve'"):
        approving.approve(hub, ben.asker, NAME, "main")


def test_what_is_revoked_is_withheld_and_the_one_before_comes_back(
    hub: Hub, push: Pushed, ben: Person, cara: Person
) -> None:
    commits = []
    for content in ("AAAA", "BBBB"):
        commits.append(push(content))
        judged(hub, commits[-1])
        approving.approve(hub, cara.asker, NAME, "main")
    approving.withdraw(hub, cara.asker, NAME, commits[1].id, State.REVOKED, "leaks")
    assert seen(hub, ben) == commits[0].id
    with pytest.raises(WithheldError):
        seen(hub, ben, commits[1].id)
    approving.withdraw(hub, cara.asker, NAME, commits[0].id, State.RETIRED)
    with pytest.raises(WithheldError):
        seen(hub, ben)


def test_an_approval_runs_out(hub: Hub, push: Pushed, ben: Person, cara: Person) -> None:
    commit = push("AAAA")
    judged(hub, commit, approval={"expires_days": 30})
    approving.approve(hub, cara.asker, NAME, "main")
    assert seen(hub, ben) == commit.id
    repo, past = known(hub, commit), datetime.now(UTC) - timedelta(seconds=1)
    hub.database.write(lambda c: states.put(c, repo, commit, State.APPROVED, "cara", expires=past))
    with pytest.raises(WithheldError):
        seen(hub, ben)
    assert hub.database.read(lambda c: states.of(c, repo, commit)).state is State.EXPIRED


def test_a_tag_that_is_moved_takes_no_approval_with_it(
    hub: Hub, push: Pushed, ann: Person, ben: Person, cara: Person
) -> None:
    good = push("AAAA")
    judged(hub, good)
    approving.approve(hub, cara.asker, NAME, "main")
    keeping.create_tag(hub, ann.asker, Kind.MODEL, NAME, "v1", good.id)
    assert seen(hub, ben, "v1") == good.id
    bad = push("BBBB")
    keeping.remove_ref(hub, ann.asker, Kind.MODEL, NAME, "v1", "tag")
    keeping.create_tag(hub, ann.asker, Kind.MODEL, NAME, "v1", bad.id)
    with pytest.raises(WithheldError):
        seen(hub, ben, "v1")
    with pytest.raises(BadRequestError, match="approval only"):
        keeping.create_tag(hub, ann.asker, Kind.MODEL, NAME, "approved", bad.id)


def test_a_standard_may_ask_for_two_who_approve(
    hub: Hub, push: Pushed, ben: Person, cara: Person, join: Callable[..., Person]
) -> None:
    commit = push("AAAA")
    judged(hub, commit, approval={"least": 2, "roles": ["approve"]})
    for _ in range(2):  # twice the same is one
        approving.approve(hub, cara.asker, NAME, "main")
        with pytest.raises(WithheldError):
            seen(hub, ben)
    with pytest.raises(ForbiddenError, match="lets approve"):
        approving.approve(hub, join("root", "admin").asker, NAME, "main")
    approving.approve(hub, join("dora", "approve").asker, NAME, "main")
    assert seen(hub, ben) == commit.id


def test_what_ran_out_gives_way_to_an_older_one_that_still_holds(
    hub: Hub, push: Pushed, ben: Person, cara: Person
) -> None:
    commits = []
    for content in ("AAAA", "BBBB"):
        commits.append(push(content))
        judged(hub, commits[-1])
        approving.approve(hub, cara.asker, NAME, "main")
    repo, past = known(hub, commits[1]), datetime.now(UTC) - timedelta(seconds=1)
    hub.database.write(
        lambda c: states.put(c, repo, commits[1], State.APPROVED, "cara", expires=past)
    )
    assert seen(hub, ben) == seen(hub, ben, "approved") == commits[0].id
    with pytest.raises(WithheldError, match="run out"):
        seen(hub, ben, commits[1].id)
    approving.approve(hub, cara.asker, NAME, commits[1].id)  # once more, for longer
    assert seen(hub, ben) == commits[1].id


def test_approval_is_of_what_the_commit_held(
    hub: Hub, push: Pushed, ben: Person, cara: Person
) -> None:
    good, bad = push("AAAA"), push("BBBB")
    judged(hub, good)
    approving.approve(hub, cara.asker, NAME, good.id)
    assert seen(hub, ben) == good.id
    hub.database.write(  # somebody at the database lets the commit hold something else
        lambda c: c.execute(
            update(CommitTable).where(CommitTable.id == good.id).values(tree=bad.tree)
        )
    )
    for revision in ("main", "approved", good.id):
        with pytest.raises(WithheldError):
            seen(hub, ben, revision)


@pytest.mark.parametrize("name", ["approved", "refs/heads/approved", "0" * 40])
def test_nothing_else_can_be_called_as_what_is_approved(
    name: str, hub: Hub, push: Pushed, ann: Person
) -> None:
    push("AAAA")
    with pytest.raises(BadRequestError):
        keeping.create_branch(hub, ann.asker, Kind.MODEL, NAME, name, None)
    with pytest.raises(BadRequestError):
        keeping.create_tag(hub, ann.asker, Kind.MODEL, NAME, name, "main")
