"""The audit log, for admins of the hub."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from headstart.hub.registry import audit
from headstart.web.evidence import text
from headstart.web.faults import PageRoute
from headstart.web.pages.signed import keeper
from headstart.web.visit import AVisit

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PAGE = 50


@router.get("/audit")
def log(visit: AVisit, before: Annotated[int | None, Query(ge=0, le=2**62)] = None) -> Response:
    """Show who did what, newest first."""
    keeper(visit)
    found = visit.read(lambda c: audit.events(c, before=before, limit=PAGE + 1))
    return visit.show(
        "audit.html", found=found[:PAGE], text=text, first=before is None,
        after=str(found[PAGE - 1].id) if len(found) > PAGE else None,
    )  # fmt: skip
