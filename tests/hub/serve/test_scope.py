"""Tokens with a scope: what they are not for, they neither read, make nor rename."""

from __future__ import annotations

import pytest

from headstart.hub.actions import admitting
from headstart.hub.hub import Hub
from tests.hub.conftest import Person
from tests.hub.serve.talk import Talk, small


@pytest.fixture
def scoped(hub: Hub, talk: Talk, ann: Person) -> str:
    """Return a token of ann's that is for ann/other only."""
    talk.create(ann, "m")
    talk.create(ann, "other")
    return admitting.token(hub, "ann", "write", scope=("ann/other",))[0]


def test_a_token_for_a_repo_makes_that_repo_and_no_other(hub: Hub, talk: Talk) -> None:
    text, _ = admitting.token(hub, "ann", "write", scope=("ann/other",))
    for name in ("ann/evil", "ann/othera", "ann/m", "unclaimed/x"):
        body = {"name": name, "private": False}
        assert talk.ask("POST", "/api/repos/create", text, json=body).status_code == 403, name
    assert (
        talk.ask("POST", "/api/repos/create", text, json={"name": "ann/other"}).status_code == 200
    )


def test_a_token_for_a_repo_does_not_rename_it_to_what_it_is_not_for(
    talk: Talk, scoped: str
) -> None:
    for new in ("ann/evil", "unclaimed/other"):
        body = {"fromRepo": "ann/other", "toRepo": new, "type": "model"}
        assert talk.ask("POST", "/api/repos/move", scoped, json=body).status_code == 403
    body = {"fromRepo": "ann/m", "toRepo": "ann/other2", "type": "model"}
    assert talk.ask("POST", "/api/repos/move", scoped, json=body).status_code == 404


def test_a_token_for_a_repo_touches_no_other(talk: Talk, scoped: str) -> None:
    assert talk.commit(scoped, "ann/other", small("a")).status_code == 200  # type: ignore[arg-type]
    assert talk.commit(scoped, "ann/m", small("a")).status_code == 404  # type: ignore[arg-type]
    for method, path in (
        ("DELETE", "/api/repos/delete"), ("PUT", "/api/models/ann/m/settings"),
        ("POST", "/api/models/ann/m/branch/b"), ("POST", "/api/models/ann/m/tag/main"),
    ):  # fmt: skip
        body = {"name": "ann/m", "tag": "t", "private": False}
        assert talk.ask(method, path, scoped, json=body).status_code == 404, path
