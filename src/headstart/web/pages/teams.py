"""Teams: who belongs to them, and as what."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from headstart.hub.access import owners
from headstart.hub.access.model import Role
from headstart.hub.actions import teaming
from headstart.hub.errors import BadRequestError
from headstart.web.faults import PageRoute
from headstart.web.pages.signed import sees_all, signed_in
from headstart.web.visit import AForm, AVisit

router = APIRouter(route_class=PageRoute, include_in_schema=False)
NOBODY = "none"


@router.get("/teams")
def teams(visit: AVisit) -> Response:
    """List the visitor's teams; admins of the hub see all."""
    signed_in(visit)
    asker = visit.asker
    rows = (
        {name: str(role) for name, role in sorted(asker.teams.items())} if sees_all(visit) else {}
    )
    if asker.role >= Role.ADMIN and sees_all(visit):
        rows = {name: rows.get(name.lower(), "") for name in visit.read(owners.all_teams)}
    return visit.show("teams.html", found=rows, may_found=sees_all(visit) and asker.role > 1)


@router.post("/teams")
def found(visit: AVisit, form: AForm) -> Response:
    """Make a team."""
    signed_in(visit)
    return visit.go(f"/teams/{teaming.found(visit.hub, visit.asker, form.get('name', ''))}")


@router.get("/teams/{team}")
def members(team: str, visit: AVisit) -> Response:
    """List who belongs to a team."""
    signed_in(visit)

    def look(connection: Connection) -> dict[str, Role]:
        return teaming.members(connection, visit.asker, team)

    return visit.show(
        "team.html", team=team, found=visit.read(look), roles=list(Role),
        may_manage=teaming.may_manage(visit.asker, team), nobody=NOBODY,
        done=visit.query.get("done") == "saved",
    )  # fmt: skip


@router.post("/teams/{team}")
def set_member(team: str, visit: AVisit, form: AForm) -> Response:
    """Let somebody belong to a team, or no longer."""
    signed_in(visit)
    roles: dict[str, Role | None] = {str(role): role for role in Role} | {NOBODY: None}
    if form.get("role") not in roles or not form.get("user"):
        raise BadRequestError("a member needs a name and a role")
    teaming.set_member(visit.hub, visit.asker, team, form["user"], roles[form["role"]])
    return visit.go(f"/teams/{team}?done=saved")
