"""The visitor's own tokens: made, shown once, revoked."""

from __future__ import annotations

from fastapi import APIRouter, Response

from headstart.hub.access import tokens
from headstart.hub.access.model import Role
from headstart.hub.actions import admitting
from headstart.hub.errors import BadRequestError, ForbiddenError, HubError
from headstart.web.faults import PageRoute
from headstart.web.pages.signed import signed_in
from headstart.web.visit import AForm, AVisit, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)
DAYS = (7, 30, 90, 365)


@router.get("/tokens")
def own(visit: AVisit) -> Response:
    """List the visitor's tokens."""
    signed_in(visit)
    return _show(visit)


@router.post("/tokens")
def create(visit: AVisit, form: AForm) -> Response:
    """Make a token; the answer shows it, and nothing ever does again."""
    signed_in(visit)
    roles = {str(role): role for role in Role}
    role, days = form.get("role", ""), form.get("days", "")
    if role not in roles or days not in ("", *map(str, DAYS)):
        raise BadRequestError("no such role or number of days")
    scope = tuple(form.get("scope", "").replace(",", " ").split())[:20]
    try:
        text, _ = admitting.own_token(
            visit.hub, visit.asker, roles[role], name=form.get("name", "")[:100] or "token",
            days=int(days) if days else None, scope=scope or None,
        )  # fmt: skip
    except (BadRequestError, ForbiddenError) as refused:
        return _show(visit, refused=refused)
    return _show(visit, text)


@router.post("/tokens/revoke")
def revoke(visit: AVisit, form: AForm) -> Response:
    """Revoke one of the visitor's tokens."""
    signed_in(visit)
    if not admitting.revoke_own(visit.hub, visit.asker, form.get("id", "")):
        raise BadRequestError("none of your tokens that could be revoked")
    return visit.go("/tokens?done=revoked")


def _show(visit: Visit, fresh: str = "", refused: HubError | None = None) -> Response:
    name = visit.asker.name or ""
    return visit.show(
        "tokens.html", status=refused.status if refused else 200,
        problem=visit.problem(refused) if refused else "",
        found=visit.read(lambda c: tokens.of_user(c, name))[:200], fresh=fresh,
        roles=[role for role in Role if role <= visit.asker.role], days=DAYS,
        done=visit.query.get("done") == "revoked",
    )  # fmt: skip
