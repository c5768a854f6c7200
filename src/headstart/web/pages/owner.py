"""A namespace's own address leads to the list of what it has."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Response

from headstart.hub.errors import BadRequestError, NoRepoError
from headstart.hub.registry.names import owner_name
from headstart.web.faults import PageRoute
from headstart.web.visit import AVisit

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/{owner}")
def owner(owner: str, visit: AVisit) -> Response:
    """Lead to the models of a namespace: the answer is the same whether there is one or not."""
    try:
        name = owner_name(owner)
    except BadRequestError:
        raise NoRepoError("nobody is called so") from None
    return visit.go(f"/models?owner={quote(name, safe='')}")
