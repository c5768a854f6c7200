"""The audit log, for admins of the hub."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from headstart.hub.registry import audit
from headstart.web.faults import PageRoute
from headstart.web.figures import brief
from headstart.web.pages.signed import keeper
from headstart.web.visit import AVisit

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PAGE = 50
Word = Annotated[str, Query(max_length=200)]


@router.get("/audit")
def log(
    visit: AVisit, before: Annotated[int | None, Query(ge=0, le=2**62)] = None, who: Word = "",
    target: Word = "",
) -> Response:  # fmt: skip
    """Show who did what, newest first."""
    keeper(visit)
    who, target = who.strip(), target.strip()
    found = visit.read(
        lambda c: audit.events(c, before=before, limit=PAGE + 1, who=who, target=target)
    )
    return visit.show(
        "audit.html", found=found[:PAGE], brief=brief, who=who, target=target, first=before is None,
        after=str(found[PAGE - 1].id) if len(found) > PAGE else None,
    )  # fmt: skip
