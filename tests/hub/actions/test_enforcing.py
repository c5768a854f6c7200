"""Enforced, readers get what is approved; else the newest of which nobody said no."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError

from headstart.hub.actions import approving, enforcing
from headstart.hub.errors import WithheldError
from headstart.hub.hub import Hub
from headstart.hub.registry import audit, settings
from headstart.hub.registry.model import State
from tests.hub.actions.conftest import NAME, Pushed, judged, seen
from tests.hub.conftest import Person


def test_a_hub_enforces_until_its_keeper_says_otherwise_and_that_is_kept(hub: Hub) -> None:
    assert hub.database.read(settings.enforced)
    enforcing.enforce(hub, True)
    assert hub.database.read(audit.events) == []
    enforcing.enforce(hub, False)
    assert not hub.database.read(settings.enforced)
    assert hub.database.read(audit.events)[0].details == {"enforced": False}


def test_not_enforced_readers_get_the_newest_and_approved_stays_what_was_approved(
    hub: Hub, push: Pushed, ben: Person, cara: Person
) -> None:
    enforcing.enforce(hub, False)
    first = push("AAAA")
    assert seen(hub, ben) == seen(hub, ben, first.id) == first.id
    with pytest.raises(WithheldError):
        seen(hub, ben, "approved")
    judged(hub, first)
    approving.approve(hub, cara.asker, NAME, "main")
    second = push("BBBB")
    assert seen(hub, ben) == second.id
    assert seen(hub, ben, "approved") == first.id
    enforcing.enforce(hub, True)
    assert seen(hub, ben) == first.id


@pytest.mark.parametrize("state", [State.REFUSED, State.REVOKED])
def test_what_was_found_bad_is_given_to_no_reader_either_way(
    state: State, hub: Hub, push: Pushed, ann: Person, ben: Person
) -> None:
    enforcing.enforce(hub, False)
    alone = push("AAAA")
    judged(hub, alone, state)
    with pytest.raises(WithheldError, match="not given out"):
        seen(hub, ben)
    good, bad = push("BBBB"), push("CCCC")
    judged(hub, bad, state)
    assert seen(hub, ben) == good.id
    assert seen(hub, ann) == bad.id
    with pytest.raises(WithheldError):
        seen(hub, ben, bad.id)


def test_clients_see_what_the_setting_says(
    hub: Hub, push: Pushed, client: Callable[[Person | None], HfApi], ben: Person, cara: Person
) -> None:
    commit = push("AAAA")
    reader = client(ben)
    with pytest.raises(GatedRepoError, match="a draft until it has passed the gate"):
        reader.model_info(NAME)
    assert list(reader.list_models()) == []
    assert reader.list_repo_refs(NAME).branches == []
    enforcing.enforce(hub, False)
    assert reader.model_info(NAME).sha == commit.id
    assert [one.id for one in reader.list_models()] == [NAME]
    assert [one.target_commit for one in reader.list_repo_refs(NAME).branches] == [commit.id]
    assert next(one.commit_id for one in reader.list_repo_commits(NAME)) == commit.id
    assert [one.id for one in client(None).list_models()] == [NAME]  # it is public
