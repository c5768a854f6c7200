"""Git LFS: the way in for older clients, and for files of which only a stream is at hand.

Whoever offers "multipart" sends large files in parts (``parts.py``), else each comes in one go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from headstart.hub.access.model import Asker
from headstart.hub.actions import finding
from headstart.hub.errors import BadRequestError, NoEntryError
from headstart.hub.hub import Hub
from headstart.hub.registry import commits, repos
from headstart.hub.registry.model import Kind, Repo
from headstart.hub.serve.bodies import batches
from headstart.hub.serve.context import ABase, AHub, AnAsker, name_of
from headstart.hub.serve.routes import parts
from headstart.hub.serve.routes.parts import Multipart
from headstart.hub.signing import after, opened, ticket

router = APIRouter()
_TYPE = "application/vnd.git-lfs+json"
_PUT = "lfs"
_SHA256 = r"^[0-9a-f]{64}$"
_SECONDS = 6 * 3600  # a large file on a slow line


class Named(BaseModel):
    """A large file by its content."""

    oid: str = Field(pattern=_SHA256)
    size: int = Field(ge=0, lt=2**50)


class Batch(BaseModel):
    """What a client has at hand, or wants."""

    operation: str
    transfers: list[str] = Field(default=["basic"], max_length=20)
    objects: list[Named] = Field(max_length=1000)
    hash_algo: str = "sha256"


def multipart_of(request: Request) -> Multipart:
    """Return which files come in parts."""
    return cast(Multipart, request.app.state.multipart)


AMultipart = Annotated[Multipart, Depends(multipart_of)]


@dataclass(frozen=True)
class Desk:
    """What the links of one answer are made of."""

    hub: Hub
    asker: Asker
    base: str
    multipart: Multipart


def desk_of(hub: AHub, asker: AnAsker, base: ABase, multipart: AMultipart) -> Desk:
    """Return it."""
    return Desk(hub, asker, base, multipart)


ADesk = Annotated[Desk, Depends(desk_of)]


@router.post("/{owner}/{name}.git/info/lfs/objects/batch")
def model_batch(owner: str, name: str, batch: Batch, desk: ADesk) -> Response:
    """Answer what of a model's files must still be sent, and where to."""
    return _batch(desk, Kind.MODEL, name_of(owner, name), batch)


@router.post("/datasets/{owner}/{name}.git/info/lfs/objects/batch")
def dataset_batch(owner: str, name: str, batch: Batch, desk: ADesk) -> Response:
    """Answer what of a data set's files must still be sent, and where to."""
    return _batch(desk, Kind.DATASET, name_of(owner, name), batch)


@router.put("/lfs/{link}")
async def receive(link: str, request: Request, hub: AHub) -> Response:
    """Take a large file; its link says for which repo, what content and until when."""
    told = opened(hub.secret, _PUT, link)
    sha256, size = str(told["sha256"]), int(told["size"])
    announced = request.headers.get("content-length")
    if announced is not None and announced != str(size):
        raise BadRequestError(f"{size} bytes were announced for this link, not {announced[:20]}")
    with hub.store.writer(sha256=sha256, size=size) as writer:
        async for batch in batches(request):
            await run_in_threadpool(writer.write, batch)
        await run_in_threadpool(writer.close)

    def keep(connection: Connection) -> None:
        repo = repos.by_id(connection, str(told["repo"]))
        commits.remember_upload(connection, repo, sha256, size, str(told["user"]))

    await run_in_threadpool(hub.database.write, keep)
    return Response(headers={"ETag": f'"{sha256}"'})


@router.post("/lfs/{link}/verify")
def verify(link: str, wanted: Named, hub: AHub) -> JSONResponse:
    """Answer whether a file has come whole."""
    told = opened(hub.secret, _PUT, link)
    content = hub.store.content(wanted.oid) if told["sha256"] == wanted.oid else None
    if content is None or content.size != wanted.size:
        raise NoEntryError("the file has not come whole")
    return JSONResponse({}, media_type=_TYPE)


def _batch(desk: Desk, kind: Kind, name: str, batch: Batch) -> Response:
    if batch.hash_algo != "sha256":
        raise BadRequestError("files are named by their sha256 here")
    if batch.operation != "upload":
        raise BadRequestError("files are read at /resolve here", mend="use huggingface_hub")

    def look(connection: Connection) -> tuple[Repo, set[str]]:
        repo = finding.writable(connection, desk.asker, kind, name)
        asked = [one.oid for one in batch.objects]
        return repo, {oid for oid in asked if commits.uploaded(connection, repo, oid)}

    repo, here = desk.hub.database.read(look)
    found = [{"oid": one.oid, "size": one.size, "authenticated": True} for one in batch.objects]
    left = desk.multipart.links if "multipart" in batch.transfers else 0
    transfer = "basic"
    for wanted, answer in zip(batch.objects, found, strict=True):
        if wanted.oid in here and desk.hub.store.renew(wanted.oid) is not None:
            continue
        count = desk.multipart.count(wanted.size)
        if 0 < count <= left:
            left, transfer = left - count, "multipart"
            answer["actions"] = {"upload": _in_parts(desk, repo, wanted)}
        else:
            answer["actions"] = _in_one_go(desk, repo, wanted)
    body = {"transfer": transfer, "objects": found, "hash_algo": "sha256"}
    return JSONResponse(body, media_type=_TYPE)


def _in_one_go(desk: Desk, repo: Repo, wanted: Named) -> dict[str, Any]:
    told = _told(desk, repo, wanted)
    link = f"{desk.base}/lfs/{ticket(desk.hub.secret, _PUT, told, after(_SECONDS))}"
    return {
        "upload": {"href": link, "expires_in": _SECONDS},
        "verify": {"href": f"{link}/verify", "expires_in": _SECONDS},
    }


def _in_parts(desk: Desk, repo: Repo, wanted: Named) -> dict[str, Any]:
    token = desk.asker.token
    assert token is not None  # strangers write nothing
    told = {**_told(desk, repo, wanted), "token": token.id}
    return parts.links(desk.hub, desk.base, told, desk.multipart)


def _told(desk: Desk, repo: Repo, wanted: Named) -> dict[str, Any]:
    return {
        "repo": repo.id, "user": desk.asker.name, "sha256": wanted.oid, "size": wanted.size
    }  # fmt: skip
