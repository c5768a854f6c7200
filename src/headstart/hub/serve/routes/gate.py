"""The gate from afar: a writer, or who approves, has a revision judged by the hub's standard."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from headstart.hub.access.model import Asker
from headstart.hub.actions import finding
from headstart.hub.actions.finding import Found
from headstart.hub.errors import ForbiddenError
from headstart.hub.hub import Hub
from headstart.hub.registry.model import Kind
from headstart.hub.serve.context import AHub, AnAsker, name_of
from headstart.hub.serve.gatekeeper import Gatekeeper
from headstart.hub.serve.objects import Json

router = APIRouter(prefix="/api/hub/models/{owner}/{name}")


class Wish(BaseModel):
    """Which revision shall be judged."""

    revision: str = Field(default="main", max_length=200)


async def gatekeeper_of(request: Request) -> Gatekeeper:
    """Return who judges here."""
    return cast(Gatekeeper, request.app.state.gatekeeper)


AGatekeeper = Annotated[Gatekeeper, Depends(gatekeeper_of)]


@router.post("/gate", status_code=202)
def judge(
    owner: str, name: str, wish: Wish, hub: AHub, asker: AnAsker, keeper: AGatekeeper
) -> Json:
    """Have a revision judged; ``GET`` tells when that is done, ``states`` what was found."""
    found = sought(hub, asker, name_of(owner, name), wish.revision)
    keeper.judge(found.repo, found.commit, str(asker.name))
    return _told(keeper, found)


@router.get("/gate")
def judged(
    owner: str, name: str, hub: AHub, asker: AnAsker, keeper: AGatekeeper,
    revision: Annotated[str, Query(max_length=200)] = "main",
) -> Json:  # fmt: skip
    """Tell whether a revision is being judged, and what kept it from being so."""
    return _told(keeper, sought(hub, asker, name_of(owner, name), revision))


def sought(hub: Hub, asker: Asker, name: str, revision: str) -> Found:
    """Return a revision for somebody who may have it judged: those who see drafts.

    Raises:
        NoRepoError: As :func:`~headstart.hub.actions.finding.repo_for`.
        NoRevisionError: No such revision.
        ForbiddenError: They only read.
    """

    def look(connection: Connection) -> Found:
        repo = finding.repo_for(connection, asker, Kind.MODEL, name)
        if not asker.may_see_drafts(repo):
            raise ForbiddenError(
                f"{asker.name or 'a stranger'} may not have {repo.name} judged",
                mend="use a token of its writers, or of role 'approve'",
            )
        return finding.revision_for(connection, asker, Kind.MODEL, name, revision)

    return hub.database.read(look)


def _told(keeper: Gatekeeper, found: Found) -> Json:
    return {
        "commit": found.commit.id,
        "judging": keeper.is_judging(found.commit),
        "fault": keeper.fault(found.commit),
        "standard": keeper.standard.name,
    }
