"""Teams: who belongs to them, and as what."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from headstart.hub.access import owners
from headstart.hub.access.model import Role
from headstart.hub.actions import teaming
from headstart.hub.errors import BadRequestError, ConflictError, HubError
from headstart.web.faults import PageRoute
from headstart.web.pages.signed import sees_all, signed_in
from headstart.web.visit import AForm, AVisit, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)
NOBODY = "none"
_DONE = ("saved", "founded")


@router.get("/teams")
def teams(visit: AVisit) -> Response:
    """List the visitor's teams; admins of the hub see all."""
    signed_in(visit)
    return _teams(visit)


def _teams(visit: Visit, refused: HubError | None = None, name: str = "") -> Response:
    asker = visit.asker
    rows = (
        {name: str(role) for name, role in sorted(asker.teams.items())} if sees_all(visit) else {}
    )
    if asker.role >= Role.ADMIN and sees_all(visit):
        rows = {name: rows.get(name.lower(), "") for name in visit.read(owners.all_teams)}
    return visit.show(
        "teams.html", status=refused.status if refused else 200, found=rows, name=name,
        may_found=sees_all(visit) and asker.role >= Role.WRITE,
        problem=visit.problem(refused) if refused else "",
    )  # fmt: skip


@router.post("/teams")
def found(visit: AVisit, form: AForm) -> Response:
    """Make a team."""
    signed_in(visit)
    name = form.get("name", "")
    try:
        made = teaming.found(visit.hub, visit.asker, name)
    except (BadRequestError, ConflictError) as refused:
        return _teams(visit, refused, name[:100])
    return visit.go(f"/teams/{made}?done=founded")


@router.get("/teams/{team}")
def members(team: str, visit: AVisit) -> Response:
    """List who belongs to a team."""
    signed_in(visit)
    return _members(visit, team)


def _members(visit: Visit, team: str, refused: HubError | None = None, user: str = "") -> Response:
    def look(connection: Connection) -> dict[str, Role]:
        return teaming.members(connection, visit.asker, team)

    return visit.show(
        "team.html", status=refused.status if refused else 200, team=team,
        found=visit.read(look), roles=list(Role), user=user,
        problem=visit.problem(refused) if refused else "",
        may_manage=teaming.may_manage(visit.asker, team), nobody=NOBODY,
        done=visit.query.get("done", "") if visit.query.get("done") in _DONE else "",
    )  # fmt: skip


@router.post("/teams/{team}")
def set_member(team: str, visit: AVisit, form: AForm) -> Response:
    """Let somebody belong to a team, or no longer."""
    signed_in(visit)
    roles: dict[str, Role | None] = {str(role): role for role in Role} | {NOBODY: None}
    user = form.get("user", "")
    if form.get("role") not in roles or not user:
        raise BadRequestError("a member needs a name and a role")
    try:
        teaming.set_member(visit.hub, visit.asker, team, user, roles[form["role"]])
    except BadRequestError as refused:
        return _members(visit, team, refused, user[:100])
    return visit.go(f"/teams/{team}?done=saved")
