"""What every route needs: the hub, who asks, and the address it was asked at."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from headstart.hub.access import tokens
from headstart.hub.access.model import Asker
from headstart.hub.errors import BadRequestError, BadTokenError, NoRepoError
from headstart.hub.hub import Hub
from headstart.hub.registry.model import Kind
from headstart.hub.registry.names import repo_name

_KINDS = {"models": Kind.MODEL, "datasets": Kind.DATASET}


def hub_of(request: Request) -> Hub:
    """Return the hub that this server serves."""
    return cast(Hub, request.app.state.hub)


def asker_of(request: Request) -> Asker:
    """Return who asks: by the ``Authorization`` header, never by the URL.

    Raises:
        BadTokenError: The header opens nothing.
    """
    header = request.headers.get("authorization")
    if header is None:
        return Asker()
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise BadTokenError
    return hub_of(request).database.read(lambda c: tokens.recognise(c, text.strip()))


def base_of(request: Request) -> str:
    """Return the address that the client used, without a slash at its end."""
    told = request.app.state.address
    return cast(str, told) if told else str(request.base_url).rstrip("/")


def kind_of(kinds: str) -> Kind:
    """Return what ``models`` or ``datasets`` in a path means.

    Raises:
        BadRequestError: It is neither.
    """
    if kinds not in _KINDS:
        raise BadRequestError(f"this hub keeps models and datasets, no {kinds[:40]}")
    return _KINDS[kinds]


def name_of(owner: str, name: str) -> str:
    """Return a repo's name from a path; one that cannot be is one that is not there.

    Raises:
        NoRepoError: No repo may be called so.
    """
    try:
        return repo_name(owner, name)
    except BadRequestError as error:
        raise NoRepoError(f"Repository not found: {error.what}") from None


def path_of(kind: Kind, name: str) -> str:
    """Return where a repo's files and pages lie, without a leading slash."""
    return name if kind is Kind.MODEL else f"datasets/{name}"


# Each function that is none of asyncio's costs two switches of threads: only what reads from the
# database is given to one.


async def _hub(request: Request) -> Hub:
    return hub_of(request)


async def _base(request: Request) -> str:
    return base_of(request)


async def _asker(request: Request) -> Asker:
    if "authorization" not in request.headers:
        return Asker()
    return await run_in_threadpool(asker_of, request)


AHub = Annotated[Hub, Depends(_hub)]
AnAsker = Annotated[Asker, Depends(_asker)]
ABase = Annotated[str, Depends(_base)]
