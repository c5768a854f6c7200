"""Xet: how current clients bring and fetch large files.

After the published specification of the protocol; what is not answered here (``/v2``, global
deduplication, grants) clients do without.
"""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import IO, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from headstart.hub.access import tokens
from headstart.hub.access.model import Asker
from headstart.hub.actions import finding
from headstart.hub.errors import BadTokenError, ForbiddenError, NoEntryError
from headstart.hub.hub import Hub
from headstart.hub.registry import commits, repos
from headstart.hub.registry.model import Commit, Repo
from headstart.hub.serve.bodies import spooled
from headstart.hub.serve.context import ABase, AHub, AnAsker, kind_of, name_of
from headstart.hub.serve.paths import whole
from headstart.hub.serve.ranges import OutsideError, wanted
from headstart.hub.serve.streams import begun
from headstart.hub.signing import after, opened, ticket
from headstart.hub.xet.vault import Run, together

router = APIRouter()
_TOKEN, _DATA = "xet", "xet-data"
_SECONDS = 3600
XORB = 64 * 1024 * 1024 + 1024 * 1024
SHARD = 64 * 1024 * 1024
_BLOCKS = BoundedSemaphore(2)


@router.get("/api/{kinds}/{owner}/{name}/xet-write-token/{revision}")
def write_token(
    kinds: str, owner: str, name: str, revision: str, hub: AHub, asker: AnAsker, base: ABase
) -> Response:
    """Let a writer of the repo bring files."""
    full = name_of(owner, name)
    repo = hub.database.read(lambda c: finding.writable(c, asker, kind_of(kinds), full))
    return _token(hub, base, {"repo": repo.id, "token": _held(asker), "write": True})


@router.get("/api/{kinds}/{owner}/{name}/xet-read-token/{revision}")
def read_token(
    kinds: str, owner: str, name: str, revision: str, hub: AHub, asker: AnAsker, base: ABase
) -> Response:
    """Let a reader fetch the files of one revision."""
    full = name_of(owner, name)

    def look(connection: Connection) -> tuple[Repo, Commit]:
        found = finding.revision_for(connection, asker, kind_of(kinds), full, whole(revision))
        return found.repo, found.commit

    repo, commit = hub.database.read(look)
    told = {"repo": repo.id, "token": _held(asker), "write": False, "tree": commit.tree}
    return _token(hub, base, told)


@router.post("/cas/v1/xorbs/{prefix}/{name}")
async def add_xorb(prefix: str, name: str, request: Request, hub: AHub) -> dict[str, Any]:
    """Take a block of chunks."""
    _, asker = await run_in_threadpool(_told, hub, request, write=True)
    async with spooled(request, XORB, hub.root) as body:
        await run_in_threadpool(_add_block, hub, name, body, str(asker.name))
    return {"was_inserted": True}  # whether others had it is nobody's business


@router.post("/cas/v1/shards")
@router.post("/cas/shards")
async def add_shard(request: Request, hub: AHub) -> dict[str, Any]:
    """Make files of blocks that were brought."""
    told, asker = await run_in_threadpool(_told, hub, request, write=True)
    async with spooled(request, SHARD, hub.root) as body:
        data = await run_in_threadpool(body.read)
    await run_in_threadpool(_make_files, hub, told, asker, data)
    return {"result": 1}


@router.get("/cas/v1/reconstructions/{name}")
def reconstruction(name: str, request: Request, hub: AHub, base: ABase) -> Response:
    """Answer of which parts of which blocks a file is made."""
    told, _ = _told(hub, request, write=False)
    content = hub.vault.file(name)
    if content is None or not hub.database.read(lambda c: _within(c, told, content.sha256)):
        raise NoEntryError("no such file")
    try:
        part = wanted(request.headers.get("range"), content.size)
    except OutsideError:
        return Response(status_code=416)
    start, stop = part or (0, content.size)
    found = hub.vault.terms(name, start, stop)
    blocks = dict.fromkeys(term.xorb for term in found.terms)
    return JSONResponse(
        {
            "offset_into_first_range": found.offset,
            "terms": [
                {"hash": t.xorb, "unpacked_length": t.length,
                 "range": {"start": t.start, "end": t.end}}
                for t in found.terms
            ],
            "fetch_info": {
                one: [
                    {"range": {"start": t.start, "end": t.end},
                     "url": f"{base}/cas/data/{_link(hub, t)}",
                     "url_range": {"start": t.first_byte, "end": t.last_byte}}
                    for t in together(t for t in found.terms if t.xorb == one)
                ]
                for one in blocks
            },
        }
    )  # fmt: skip


@router.get("/cas/data/{link}")
def data(link: str, request: Request, hub: AHub) -> Response:
    """Return a range of a block's bytes; the link says of which, and which range.

    A block holds chunks of all that was sent together: what the link's reader may not have, too.
    """
    told = opened(hub.secret, _DATA, link)
    name, first, last = str(told["xorb"]), int(told["first"]), int(told["last"])
    size = hub.vault.xorb_size(name)
    if size is None:
        raise NoEntryError("no such block")
    try:
        part = wanted(request.headers.get("range"), size)
    except OutsideError:
        return Response(status_code=416)
    start, stop = part or (0, size)
    if start < first or stop > last + 1:
        raise ForbiddenError("this link is for another range")
    headers = {"Content-Length": str(stop - start), "Accept-Ranges": "bytes"}
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    content = begun(hub.vault.xorb_bytes(name, start, stop - 1))
    return StreamingResponse(
        content, 200 if part is None else 206, headers, media_type="application/octet-stream"
    )


def _add_block(hub: Hub, name: str, body: IO[bytes], user: str) -> None:
    with _BLOCKS:  # what waits, waits on the disk
        hub.vault.add_xorb(name, body.read(), user)


def _token(hub: Hub, base: str, told: dict[str, Any]) -> Response:
    until, address = after(_SECONDS), f"{base}/cas"
    text = ticket(hub.secret, _TOKEN, told, until)
    return JSONResponse(
        {"accessToken": text, "exp": until, "casUrl": address},
        headers={
            "X-Xet-Access-Token": text, "X-Xet-Token-Expiration": str(until),
            "X-Xet-Cas-Url": address,
        },
    )  # fmt: skip


def _link(hub: Hub, run: Run) -> str:
    told = {"xorb": run.xorb, "first": run.first_byte, "last": run.last_byte}
    return ticket(hub.secret, _DATA, told, after(_SECONDS))


def _held(asker: Asker) -> str | None:
    return asker.token.id if asker.token else None


def _told(hub: Hub, request: Request, *, write: bool) -> tuple[dict[str, Any], Asker]:
    """Return what a token of ours says, and for whom: their own token must still be good."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise BadTokenError
    try:
        told = opened(hub.secret, _TOKEN, text.strip())
    except ForbiddenError:
        raise BadTokenError from None
    if write and not told.get("write"):
        raise ForbiddenError("this token only reads")
    held = told.get("token")
    if held is None and not write:
        return told, Asker()
    return told, hub.database.read(lambda c: tokens.holder(c, str(held)))


def _make_files(hub: Hub, told: dict[str, Any], asker: Asker, data: bytes) -> None:
    user = str(asker.name)

    def may_use(sha256: str) -> bool:
        return hub.database.read(lambda c: finding.may_have(c, asker, sha256))

    found = hub.vault.add_shard(data, user, may_use)

    def keep(connection: Connection) -> None:
        repo = repos.by_id(connection, str(told["repo"]))
        for one in found:
            content = one.content
            commits.remember_upload(connection, repo, content.sha256, content.size, user)

    hub.database.write(keep)


def _within(connection: Connection, told: dict[str, Any], sha256: str) -> bool:
    """Whether a token is for a file: of its revision, or brought to its repo by its writers."""
    if told.get("write"):
        repo = repos.by_id(connection, str(told["repo"]))
        return commits.uploaded(connection, repo, sha256)
    return finding.in_tree(connection, str(told["tree"]), sha256)
