"""The gate's button: who may has a draft judged by the server's standard."""

from __future__ import annotations

from fastapi import APIRouter, Response

from headstart.hub.errors import BadRequestError, BusyError, ForbiddenError
from headstart.hub.registry.model import Kind
from headstart.hub.serve.context import name_of
from headstart.hub.serve.routes.gate import AGatekeeper, sought
from headstart.web.faults import PageRoute
from headstart.web.pages.revisions import show_commit
from headstart.web.visit import AForm, AVisit

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/{owner}/{name}/gate")
def judge(owner: str, name: str, visit: AVisit, form: AForm, keeper: AGatekeeper) -> Response:
    """Have a revision judged; its page tells how far that is."""
    full, commit = name_of(owner, name), form.get("commit", "")
    try:
        found = sought(visit.hub, visit.asker, full, commit)
        if not keeper.is_chosen:
            raise BadRequestError("this hub's pages do not offer the gate", reason="no-gate")
        keeper.judge(found.repo, found.commit, str(visit.asker.name))
    except (BadRequestError, ForbiddenError, BusyError) as refused:
        return show_commit(visit, Kind.MODEL, owner, name, commit, refused)
    return visit.go(f"/{full}/commit/{found.commit.id}")
