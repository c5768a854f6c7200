"""Before a route says that something is not here: the hub that is mirrored may have it."""

from __future__ import annotations

from typing import cast

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from headstart.hub.access.model import Asker
from headstart.hub.mirror.mirror import Mirror
from headstart.hub.registry import refs
from headstart.hub.registry.model import Kind
from headstart.hub.serve.context import AnAsker, kind_of, name_of
from headstart.hub.serve.paths import whole

_SECONDS, _FILE_SECONDS = 50.0, 8.0  # clients wait 10 s for a file, for answers of the API longer


async def fetched(request: Request, asker: AnAsker) -> None:
    """Let the mirror fetch what the path names, if there is a mirror, and the asker may."""
    mirror = cast(Mirror | None, request.app.state.mirror)
    if mirror is not None:
        await run_in_threadpool(_fetch, mirror, request, asker)


def _fetch(mirror: Mirror, request: Request, asker: Asker) -> None:
    named = request.path_params
    kinds = named.get("kinds")
    if kinds is None:
        is_dataset = request.url.path.startswith("/datasets/")
        kind, patience = Kind.DATASET if is_dataset else Kind.MODEL, _FILE_SECONDS
    else:
        kind, patience = kind_of(kinds), _SECONDS
    revision = whole(named.get("revision", refs.MAIN))
    mirror.look(asker, kind, name_of(named["owner"], named["name"]), revision, patience)


Fetched = Depends(fetched)
