"""The protocol's administration of large files: what there is, and copies from repo to repo."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from headstart.hub.actions import heavy
from headstart.hub.errors import BadRequestError
from headstart.hub.serve.context import AHub, AnAsker, kind_of, name_of
from headstart.hub.serve.objects import Json, time_text

router = APIRouter()


class Place(BaseModel):
    """The repo that files are copied to."""

    type: str = "model"
    name: str = Field(max_length=200)


class One(BaseModel):
    """A file to be copied."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Copies(BaseModel):
    """What is copied, and where to."""

    target: Place
    files: list[One] = Field(max_length=1000)


@router.get("/api/{kinds}/{owner}/{name}/lfs-files")
def listed(kinds: str, owner: str, name: str, hub: AHub, asker: AnAsker) -> list[Json]:
    """List the large files of all commits."""
    found = heavy.heavy_files(hub, asker, kind_of(kinds), name_of(owner, name))
    return [
        {"fileOid": one.sha256, "oid": one.sha256, "filename": one.path, "size": one.size,
         "pushedAt": time_text(one.since), "ref": None}
        for one in found
    ]  # fmt: skip


@router.post("/api/{kinds}/{owner}/{name}/lfs-files/batch")
def removed(kinds: str, owner: str, name: str, hub: AHub, asker: AnAsker) -> None:
    """Refuse to take files out of commits."""
    heavy.heavy_files(hub, asker, kind_of(kinds), name_of(owner, name))
    raise BadRequestError(
        "a commit keeps its files here, for approval is of its content",
        mend="delete the file in a new commit, or the repo",
    )


@router.post("/api/{kinds}/{owner}/{name}/lfs-files/duplicate")
def duplicate(kinds: str, owner: str, name: str, wanted: Copies, hub: AHub, asker: AnAsker) -> Json:
    """Let another repo have files of this one."""
    there = kind_of(f"{wanted.target.type}s")
    to = heavy.Target(there, name_of(*wanted.target.name.partition("/")[::2]))
    asked = [one.sha256 for one in wanted.files]
    missing = heavy.share(hub, asker, kind_of(kinds), name_of(owner, name), to, asked)
    return {
        "success": [{"sha256": one} for one in asked if one not in missing],
        "failed": [{"sha256": one, "error": "no such file here for you"} for one in missing],
    }
