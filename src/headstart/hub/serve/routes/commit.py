"""Writing: the plan of an upload, the check of a card, the commit."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from headstart.hub.actions import finding
from headstart.hub.actions.pushing import LINE, push
from headstart.hub.errors import BadRequestError
from headstart.hub.registry import cards, commits, refs, trees
from headstart.hub.registry.model import Entry
from headstart.hub.serve.bodies import spooled
from headstart.hub.serve.context import ABase, AHub, AnAsker, kind_of, name_of, path_of
from headstart.hub.serve.objects import Json
from headstart.hub.serve.paths import whole

router = APIRouter()
SMALL = 1024 * 1024
MOST = 1024 * 1024 * 1024
_PATH, _SAMPLE, _CARD = 4096, 64 * 1024, 8 * 1024 * 1024
_WEIGHTS = (
    ".safetensors", ".gguf", ".bin", ".pt", ".pth", ".onnx", ".h5", ".msgpack", ".parquet",
    ".arrow", ".npz", ".zip", ".tar", ".gz",
)  # fmt: skip


class File(BaseModel):
    """A file that a client is about to bring."""

    path: str = Field(max_length=_PATH)
    size: int = 0
    sample: str = Field(default="", max_length=_SAMPLE)


class Plan(BaseModel):
    """The files of one upload."""

    files: list[File] = Field(max_length=1000)


class Card(BaseModel):
    """A card to be checked."""

    content: str = Field(max_length=_CARD)


@router.post("/api/{kinds}/{owner}/{name}/preupload/{revision}")
def preupload(
    kinds: str, owner: str, name: str, revision: str, plan: Plan, hub: AHub, asker: AnAsker
) -> Json:
    """Answer which way each file should come: in the commit itself, or as a large file."""

    def look(connection: Connection) -> dict[str, Entry]:
        repo = finding.writable(connection, asker, kind_of(kinds), name_of(owner, name))
        ref = refs.get(connection, repo, whole(revision), refs.BRANCH)
        if ref is None:
            return {}
        return trees.entries(connection, commits.by_id(connection, repo, ref.head).tree)

    known = hub.database.read(look)
    return {"files": [_planned(file, known.get(file.path)) for file in plan.files]}


@router.post("/api/validate-yaml")
def check_card(card: Card) -> JSONResponse:
    """Answer whether a card's YAML can be read; the words say where not."""
    try:
        cards.parse(card.content)
    except BadRequestError as error:
        errors = [{"message": error.what}]
        return JSONResponse({"error": error.what, "errors": errors, "warnings": []}, 400)
    return JSONResponse({"errors": [], "warnings": []})


@router.post("/api/{kinds}/{owner}/{name}/commit/{revision}")
async def commit(
    kinds: str, owner: str, name: str, revision: str, request: Request, hub: AHub,
    asker: AnAsker, base: ABase, create_pr: str = "",
) -> Json:  # fmt: skip
    """Put what was brought on a branch."""
    if create_pr in ("1", "true"):
        raise BadRequestError(
            "this hub has no pull requests",
            mend="push to a branch: what is pushed is a draft until it is approved",
        )
    kind, full = kind_of(kinds), name_of(owner, name)
    async with spooled(request, MOST, hub.root) as body:
        lines = iter(lambda: body.readline(LINE + 1), b"")
        repo, made = await run_in_threadpool(push, hub, asker, kind, full, whole(revision), lines)
    url = f"{base}/{path_of(kind, repo.name)}/commit/{made.id}"
    return {"success": True, "commitOid": made.id, "commitUrl": url, "hookOutput": ""}


def _planned(file: File, known: Entry | None) -> dict[str, Any]:
    large = file.size > SMALL or (file.size > 0 and file.path.lower().endswith(_WEIGHTS))
    found = {
        "path": file.path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False,
    }  # fmt: skip
    if known is not None and known.large == large:
        found["oid"] = known.etag
    return found
