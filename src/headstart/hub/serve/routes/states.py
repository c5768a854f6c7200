"""headstart's own part of the API: where revisions stand, and who says so."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from headstart.hub.actions import approving, finding
from headstart.hub.errors import BadRequestError
from headstart.hub.registry import states
from headstart.hub.registry.model import Kind, State
from headstart.hub.registry.states import Standing
from headstart.hub.serve.context import AHub, AnAsker, name_of
from headstart.hub.serve.objects import Json, time_text

router = APIRouter(prefix="/api/hub/models/{owner}/{name}")
_VERBS = {"retire": State.RETIRED, "revoke": State.REVOKED, "refuse": State.REFUSED}


class Verdict(BaseModel):
    """What somebody says of a revision."""

    revision: str = Field(default="main", max_length=200)
    why: str = Field(default="", max_length=500)


@router.get("/states")
def list_states(owner: str, name: str, hub: AHub, asker: AnAsker) -> list[Json]:
    """List the revisions that were judged, newest first; readers see the approved ones."""

    def look(connection: Connection) -> list[Standing]:
        repo = finding.repo_for(connection, asker, Kind.MODEL, name_of(owner, name))
        found = states.all_of(connection, repo)
        if asker.may_see_drafts(repo):
            return found
        good = states.approved_ids(connection, repo)
        return [one for one in found if one.commit in good]

    return [_shown(one) for one in hub.database.read(look)]


@router.post("/approve")
def approve(owner: str, name: str, verdict: Verdict, hub: AHub, asker: AnAsker) -> Json:
    """Publish a revision that has passed the gate."""
    commit = approving.approve(hub, asker, name_of(owner, name), verdict.revision)
    return {"commit": commit.id, "state": State.APPROVED}


@router.post("/{verb}")
def withdraw(owner: str, name: str, verb: str, verdict: Verdict, hub: AHub, asker: AnAsker) -> Json:
    """Retire, revoke or refuse a revision."""
    if verb not in _VERBS:
        raise BadRequestError(f"one of {', '.join(_VERBS)} or approve, not {verb[:40]!r}")
    commit = approving.withdraw(
        hub, asker, name_of(owner, name), verdict.revision, _VERBS[verb], verdict.why
    )
    return {"commit": commit.id, "state": _VERBS[verb]}


def _shown(one: Standing) -> Json:
    return {
        "commit": one.commit, "state": one.state, "by": one.by, "changed": time_text(one.changed),
        "expires": time_text(one.expires) if one.expires else None, "evidence": one.evidence,
    }  # fmt: skip
