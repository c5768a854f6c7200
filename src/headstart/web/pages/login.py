"""Signing in with a token, and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from headstart.hub.access import tokens
from headstart.hub.errors import BadTokenError
from headstart.web import session
from headstart.web.faults import PageRoute
from headstart.web.visit import AForm, AVisit

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/login")
def ask(
    visit: AVisit, next_: Annotated[str, Query(alias="next", max_length=2000)] = ""
) -> Response:
    """Ask for a token."""
    over = session.ended(visit.request, visit.asker)
    return visit.show("login.html", after=inner(next_), wrong=False, over=over)


@router.post("/login")
def sign_in(request: Request, visit: AVisit, form: AForm) -> Response:
    """Sign in who shows a token that opens something."""
    text, after = form.get("token", ""), inner(form.get("next", ""))
    try:
        asker = visit.read(lambda c: tokens.recognise(c, text))
    except BadTokenError:
        return visit.show("login.html", status=401, after=after, wrong=True, over=False)
    response = visit.go(after)
    session.begin(response, request, visit.hub, asker)
    return response


@router.post("/logout")
def sign_out(visit: AVisit, form: AForm) -> Response:
    """Sign out."""
    response = visit.go("/")
    session.end(response)
    return response


def inner(address: str) -> str:
    """Return an address of this hub's own pages: what leads elsewhere becomes the start page."""
    good = address.startswith("/") and not address.startswith(("//", "/\\", "/login"))
    return address if good and address.isprintable() and "\\" not in address else "/"
