"""Repos: made, renamed, shown to others, deleted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from headstart.hub.actions import finding, keeping
from headstart.hub.actions.duplicating import duplicate
from headstart.hub.errors import BadRequestError, ConflictError
from headstart.hub.registry.model import Kind
from headstart.hub.serve.context import ABase, AHub, AnAsker, kind_of, name_of, path_of
from headstart.hub.serve.mirrored import Fetched

router = APIRouter()
Word = Annotated[str | None, Field(max_length=200)]


class Named(BaseModel):
    """What repo is meant; clients name the namespace apart, or before a slash."""

    name: str = Field(max_length=200)
    organization: str | None = Field(default=None, max_length=200)
    type: Word = None


class New(Named):
    """A repo to be made."""

    visibility: Word = None
    private: bool | None = None


class Move(BaseModel):
    """A repo to be renamed."""

    old: str = Field(alias="fromRepo", max_length=200)
    new: str = Field(alias="toRepo", max_length=200)
    type: Word = None


class Copy(BaseModel):
    """A repo to be made of another."""

    repository: str = Field(max_length=200)
    visibility: str | None = None
    private: bool | None = None


class Settings(BaseModel):
    """Who may see a repo."""

    visibility: Word = None
    private: bool | None = None
    gated: Any = None


@router.post("/api/repos/create")
def create(wanted: New, hub: AHub, asker: AnAsker, base: ABase) -> JSONResponse:
    """Make a repo; private unless the client says otherwise."""
    kind = _kind(wanted.type)
    owner, name = _full(wanted, asker.name)
    url = f"{base}/{path_of(kind, f'{owner}/{name}')}"
    private = _private(wanted.visibility, wanted.private)
    try:
        repo = keeping.create(hub, asker, kind, owner, name, private=private is not False)
    except ConflictError as error:
        return JSONResponse({"error": error.what, "url": url}, 409)
    return JSONResponse({"url": url, "name": repo.name, "id": repo.id, "type": kind})


@router.delete("/api/repos/delete")
def delete(wanted: Named, hub: AHub, asker: AnAsker) -> Response:
    """Delete a repo; its name stays taken."""
    owner, name = _full(wanted, asker.name)
    keeping.delete(hub, asker, _kind(wanted.type), name_of(owner, name))
    return Response()


@router.post("/api/repos/move")
def move(wanted: Move, hub: AHub, asker: AnAsker) -> Response:
    """Rename a repo; its old name goes on leading to it."""
    owner, _, name = wanted.new.partition("/")
    keeping.rename(hub, asker, _kind(wanted.type), wanted.old, owner, name)
    return Response()


@router.post("/api/{kinds}/{owner}/{name}/duplicate")
def copy(
    kinds: str, owner: str, name: str, wanted: Copy, hub: AHub, asker: AnAsker, base: ABase
) -> JSONResponse:
    """Make a repo of what another holds; private unless the client says otherwise."""
    kind = kind_of(kinds)
    to_owner, _, to_name = wanted.repository.rpartition("/")
    url = f"{base}/{path_of(kind, wanted.repository)}"
    private = _private(wanted.visibility, wanted.private) is not False
    try:
        duplicate(hub, asker, kind, name_of(owner, name), to_owner, to_name, private=private)
    except ConflictError as error:
        return JSONResponse({"error": error.what, "url": url}, 409)
    return JSONResponse({"url": url})


@router.put("/api/{kinds}/{owner}/{name}/settings")
def settings(
    kinds: str, owner: str, name: str, wanted: Settings, hub: AHub, asker: AnAsker
) -> dict[str, Any]:
    """Show a repo to its own people only, or to all."""
    if wanted.gated:
        raise BadRequestError(
            "this hub has no access requests: the gate and approval decide what readers get",
            mend="make the repo private, or a revision approved",
        )
    private = _private(wanted.visibility, wanted.private)
    if private is not None:
        keeping.show(hub, asker, kind_of(kinds), name_of(owner, name), private=private)
    return {}


@router.get("/api/{kinds}/{owner}/{name}/auth-check", dependencies=[Fetched])
def may_read(kinds: str, owner: str, name: str, hub: AHub, asker: AnAsker) -> dict[str, Any]:
    """Answer whether the asker may read."""
    kind = kind_of(kinds)
    hub.database.read(lambda c: finding.repo_for(c, asker, kind, name_of(owner, name)))
    return {}


@router.get("/api/{kinds}/{owner}/{name}/auth-check/write")
def may_write(kinds: str, owner: str, name: str, hub: AHub, asker: AnAsker) -> dict[str, Any]:
    """Answer whether the asker may write."""
    kind = kind_of(kinds)
    hub.database.read(lambda c: finding.writable(c, asker, kind, name_of(owner, name)))
    return {}


def _kind(text: str | None) -> Kind:
    return kind_of(f"{text or 'model'}s")


def _full(wanted: Named, user: str | None) -> tuple[str, str]:
    owner, _, name = wanted.name.rpartition("/")
    return wanted.organization or owner or user or "", name


def _private(visibility: str | None, private: bool | None) -> bool | None:
    if visibility is None:
        return private
    if visibility not in ("public", "private"):
        raise BadRequestError(f"a repo is public or private here, not {visibility[:40]!r}")
    return visibility == "private"
