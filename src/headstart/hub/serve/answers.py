"""Refusals as clients understand them: a code in a header, and words for the user."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from headstart.errors import (
    CrowdedError,
    HeadstartError,
    NoRoomError,
    RequestError,
    UnusableError,
)
from headstart.hub.errors import BadTokenError, HubError

_log = logging.getLogger("headstart.hub")
_LONGEST = 400
_LATER, _MUCH_LATER = 10, 60  # seconds after which asking again may do
_UNUSABLE = "the hub cannot use what it keeps things in just now; its log says why, ask again later"
_NO_ROOM = "the hub is full: nothing was changed; whoever keeps it must free space"
_CROWDED = "the hub was busy with other writers for too long; ask again"


@dataclass(frozen=True)
class Outage:
    """What the hub itself cannot do: its status, words for whoever asked, seconds to wait.

    The words name no place: the error's own ones may tell strangers hosts, users and folders.
    """

    status: int
    words: str
    wait: int


def outage(error: HeadstartError) -> Outage | None:
    """Return what is wrong with the hub, if the request is not at fault."""
    if isinstance(error, NoRoomError):
        return Outage(507, _NO_ROOM, _MUCH_LATER)  # Insufficient Storage (RFC 4918)
    if isinstance(error, UnusableError):
        return Outage(503, _UNUSABLE, _LATER)
    if isinstance(error, CrowdedError):
        return Outage(503, _CROWDED, _LATER)
    return None


def refusal(request: Request, error: HubError) -> JSONResponse:
    """Return the answer for a refusal; strangers are asked who they are (401)."""
    status = error.status
    stranger = "authorization" not in request.headers
    if stranger and (error.code in ("RepoNotFound", "GatedRepo") or status == 403):
        status = 401
    words = sendable(error.what if error.mend is None else f"{error.what} ({error.mend})")
    headers = {"X-Error-Message": plain(words), "X-Request-Id": request_id(request)}
    if error.code is not None:
        headers["X-Error-Code"] = error.code
    if error.commit is not None:
        headers["X-Repo-Commit"] = error.commit
    if status == 401 and not isinstance(error, BadTokenError):
        headers["WWW-Authenticate"] = 'Bearer realm="headstart"'
    return JSONResponse({"error": words}, status, headers)


def sendable(text: str) -> str:
    """Return a text that can be sent: halves of signs (lone surrogates) become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def plain(text: str) -> str:
    """Return a text as a header may carry it: one line of Latin-1."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    return line.encode("latin-1", "replace").decode("latin-1")[:_LONGEST]


def request_id(request: Request) -> str:
    """Return the client's own name for its request, else a new one."""
    return plain(request.headers.get("x-amzn-trace-id") or secrets.token_hex(8))[:100]


def install(app: FastAPI) -> None:
    """Let an application answer errors in the protocol's way."""

    @app.exception_handler(HubError)
    async def _hub(request: Request, error: HubError) -> JSONResponse:
        return refusal(request, error)

    @app.exception_handler(HeadstartError)
    async def _ours(request: Request, error: HeadstartError) -> JSONResponse:
        wrong = outage(error)
        status = wrong.status if wrong else 400 if isinstance(error, RequestError) else 500
        words = wrong.words if wrong else error.what
        identity = request_id(request)
        if status >= 500:
            _log.error("%s: %s", identity, error)
        headers = {"X-Error-Message": plain(words), "X-Request-Id": identity}
        if wrong:
            headers["Retry-After"] = str(wrong.wait)
        return JSONResponse({"error": sendable(words)}, status, headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first: dict[str, Any] = dict(error.errors()[0]) if error.errors() else {}
        words = f"{'.'.join(map(str, first.get('loc', ())))}: {first.get('msg', 'not valid')}"
        return JSONResponse({"error": sendable(words)}, 400, {"X-Error-Message": plain(words)})

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse(
            {"error": str(error.detail)}, error.status_code, dict(error.headers or {})
        )
