"""Signed in: a cookie that says which token somebody showed. It opens pages, never the API."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import Request, Response

from headstart.hub.access import tokens
from headstart.hub.access.model import Asker
from headstart.hub.errors import BadTokenError, ForbiddenError
from headstart.hub.hub import Hub
from headstart.hub.serve.context import base_of
from headstart.hub.signing import after, opened, ticket

COOKIE = "headstart"
_PURPOSE, _FORM = "pages", "form"
_DAYS = 7
_FORM_SECONDS = 12 * 3600


def begin(response: Response, request: Request, hub: Hub, asker: Asker) -> None:
    """Sign somebody in for a week, or as long as their token opens anything.

    Args:
        response: Gets the cookie.
        request: What it answers; over https the cookie travels so only.
        hub: The hub.
        asker: Who showed a token.
    """
    assert asker.token is not None
    seconds = _DAYS * 24 * 3600
    if asker.token.expires is not None:
        left = (asker.token.expires - datetime.now(UTC)).total_seconds()
        seconds = max(0, min(seconds, int(left)))
    text = ticket(hub.secret, _PURPOSE, {"token": asker.token.id}, after(seconds))
    response.set_cookie(
        COOKIE, text, max_age=seconds, path="/", httponly=True, samesite="strict",
        secure=base_of(request).startswith("https://"),
    )  # fmt: skip


def end(response: Response) -> None:
    """Sign out."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


def visitor(request: Request, hub: Hub) -> Asker:
    """Return who looks at a page; whose cookie is over, or none of ours, is a stranger."""
    text = request.cookies.get(COOKIE)
    if not text:
        return Asker()
    try:
        token = str(opened(hub.secret, _PURPOSE, text)["token"])
        return hub.database.read(lambda c: tokens.holder(c, token))
    except (ForbiddenError, BadTokenError, KeyError):
        return Asker()


def form_ticket(hub: Hub, asker: Asker) -> str:
    """Return what a form must carry, so that no other site can send it for this visitor."""
    return ticket(hub.secret, _FORM, {"token": _held(asker)}, after(_FORM_SECONDS))


def check_form(request: Request, hub: Hub, asker: Asker, text: str) -> None:
    """See that a form is one of ours, shown to this visitor.

    Raises:
        ForbiddenError: It is not, or has been open for too long.
    """
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise ForbiddenError("this form was sent from another site", reason="other-site")
    try:
        shown = opened(hub.secret, _FORM, text).get("token")
    except ForbiddenError:
        raise ForbiddenError("this form has been open for too long", reason="old-form") from None
    if shown != _held(asker):
        raise ForbiddenError(
            "this form was shown to somebody else", mend="load the page again",
            reason="old-form" if asker.name else "session-ended",
        )  # fmt: skip


def ended(request: Request, asker: Asker) -> bool:
    """Whether somebody had signed in, but their token opens nothing any more."""
    return bool(request.cookies.get(COOKIE)) and asker.name is None


def _held(asker: Asker) -> str:
    return asker.token.id if asker.token else ""
