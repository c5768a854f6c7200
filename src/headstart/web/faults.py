"""Pages for what is not there, not allowed, or went wrong; the API's own answers stay."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from headstart.errors import HeadstartError, RequestError
from headstart.hub.errors import HubError
from headstart.hub.serve.answers import Outage, outage
from headstart.web.visit import visit_of

_log = logging.getLogger("headstart.hub")
_TOLD = (400, 403, 404, 405, 409)


class ElsewhereError(Exception):
    """What is asked for lies at another address by now."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


class PageRoute(APIRoute):
    """A route whose refusals are pages, too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        inner = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await inner(request)
            except ElsewhereError as error:
                return RedirectResponse(error.address, 302)
            except (HeadstartError, RequestValidationError) as error:
                return await run_in_threadpool(_told, request, error)

        return answered


def install(app: FastAPI) -> None:
    """Let browsers that ask for what is not there get a page; clients get what they got."""
    before: Any = app.exception_handlers[HTTPException]

    @app.exception_handler(HTTPException)
    async def _lost(request: Request, error: HTTPException) -> Response:
        browser = "text/html" in request.headers.get("accept", "")
        if not browser or request.url.path.startswith("/api/"):
            return await before(request, error)  # type: ignore[no-any-return]
        return await run_in_threadpool(page, request, error.status_code, "")


def page(request: Request, status: int, why: str, reason: str | None = None) -> Response:
    """Return a page that says what went wrong.

    Args:
        request: What was asked for.
        status: HTTP status.
        why: One sentence more, as the hub's errors have it: in English.
        reason: The refusal's name, where the pages have words of their own for it.
    """
    key = str(status) if status in _TOLD else "400" if status < 500 else "500"
    visit = visit_of(request)
    own = visit.refusal(reason)
    return visit.show("fault.html", status=status, key=key, why=own or why, own=bool(own))


def _told(request: Request, error: HeadstartError | RequestValidationError) -> Response:
    if isinstance(error, RequestValidationError):
        return page(request, 400, "")
    if isinstance(error, HubError):
        why = "" if error.status == 404 else error.what
        told = f"{why} ({error.mend})" if error.mend and why else why
        return page(request, error.status, told, error.reason)
    if (wrong := outage(error)) is not None:
        _log.error("%s: %s", request.url.path, error)
        return _outage(request, wrong)
    if isinstance(error, RequestError):
        return page(request, 400, error.what)
    _log.error("%s: %s", request.url.path, error)
    return page(request, 500, error.what)


def _outage(request: Request, wrong: Outage) -> Response:
    """Return a page that says so, or, where even that needs what is out of reach, a line."""
    try:
        answer = page(request, wrong.status, wrong.words)
    except HeadstartError:
        answer = PlainTextResponse(wrong.words + "\n", wrong.status)
    answer.headers["Retry-After"] = str(wrong.wait)
    return answer
