"""Branches, tags and history."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from headstart.hub.actions import finding, keeping
from headstart.hub.registry import commits, refs, states
from headstart.hub.registry.model import Kind
from headstart.hub.serve.context import ABase, AHub, AnAsker, kind_of, name_of
from headstart.hub.serve.mirrored import Fetched
from headstart.hub.serve.objects import Json, commit_object
from headstart.hub.serve.paths import whole

router = APIRouter()


class Start(BaseModel):
    """Where a branch begins."""

    # The protocol's own name.
    startingPoint: str | None = Field(default=None, max_length=200)  # noqa: N815


class Tag(BaseModel):
    """A tag to be made."""

    tag: str = Field(max_length=200)
    message: str | None = Field(default=None, max_length=20_000)


class Squash(BaseModel):
    """What the one commit is called."""

    message: str = Field(default="squash", max_length=500)


@router.get("/api/{kinds}/{owner}/{name}/refs", dependencies=[Fetched])
def list_refs(kinds: str, owner: str, name: str, hub: AHub, asker: AnAsker) -> Json:
    """List branches and tags; readers of a model see what is published."""

    def look(connection: Connection) -> Json:
        repo = finding.repo_for(connection, asker, kind_of(kinds), name_of(owner, name))
        drafts = repo.kind is Kind.DATASET or finding.sees_drafts(connection, asker, repo)
        good = set() if drafts else states.approved_ids(connection, repo)
        found: dict[str, list[Json]] = {refs.BRANCH: [], refs.TAG: []}
        for ref in refs.all_of(connection, repo):
            at = ref.head if drafts or ref.kind == refs.TAG else ref.published
            if at is not None and (drafts or at in good):
                where = "heads" if ref.kind == refs.BRANCH else "tags"
                found[ref.kind].append(
                    {"name": ref.name, "ref": f"refs/{where}/{ref.name}", "targetCommit": at}
                )
        return {"branches": found[refs.BRANCH], "converts": [], "tags": found[refs.TAG],
                "pullRequests": []}  # fmt: skip

    return hub.database.read(look)


@router.get("/api/{kinds}/{owner}/{name}/commits/{revision}", dependencies=[Fetched])
def history(
    kinds: str, owner: str, name: str, revision: str, request: Request, hub: AHub,
    asker: AnAsker, base: ABase, p: int = 0, limit: int = commits.PAGE,
) -> JSONResponse:  # fmt: skip
    """List what a revision stands on, newest first."""

    def look(connection: Connection) -> list[Json]:
        found = finding.revision_for(
            connection, asker, kind_of(kinds), name_of(owner, name), whole(revision)
        )
        line = commits.history(connection, found.repo, found.commit)
        if found.repo.kind is Kind.MODEL and not finding.sees_drafts(connection, asker, found.repo):
            good = states.approved_ids(connection, found.repo)
            line = [one for one in line if one.id in good]
        return [commit_object(one) for one in line]

    found = hub.database.read(look)
    page, limit = max(0, p), max(1, min(limit, 1000))
    headers = {"X-Total-Count": str(len(found))}
    if (page + 1) * limit < len(found):
        url = request.url.include_query_params(p=page + 1)
        headers["Link"] = f'<{base}{url.path}?{url.query}>; rel="next"'
    return JSONResponse(found[page * limit : (page + 1) * limit], headers=headers)


@router.post("/api/{kinds}/{owner}/{name}/branch/{branch}")
def create_branch(
    kinds: str, owner: str, name: str, branch: str, hub: AHub, asker: AnAsker,
    start: Start | None = None,
) -> Response:  # fmt: skip
    """Make a branch."""
    at = start.startingPoint if start else None
    keeping.create_branch(hub, asker, kind_of(kinds), name_of(owner, name), whole(branch), at)
    return Response()


@router.delete("/api/{kinds}/{owner}/{name}/branch/{branch}")
def delete_branch(
    kinds: str, owner: str, name: str, branch: str, hub: AHub, asker: AnAsker
) -> Response:
    """Remove a branch."""
    full = name_of(owner, name)
    keeping.remove_ref(hub, asker, kind_of(kinds), full, whole(branch), refs.BRANCH)
    return Response()


@router.post("/api/{kinds}/{owner}/{name}/tag/{revision}")
def create_tag(
    kinds: str, owner: str, name: str, revision: str, tag: Tag, hub: AHub, asker: AnAsker
) -> Response:
    """Make a tag."""
    full = name_of(owner, name)
    keeping.create_tag(hub, asker, kind_of(kinds), full, tag.tag, whole(revision))
    return Response()


@router.post("/api/{kinds}/{owner}/{name}/super-squash/{branch}")
def squash(
    kinds: str, owner: str, name: str, branch: str, hub: AHub, asker: AnAsker,
    wanted: Squash | None = None,
) -> Response:  # fmt: skip
    """Let a branch begin anew with the files it has."""
    title = (wanted or Squash()).message.partition("\n")[0][:500]
    keeping.squash(hub, asker, kind_of(kinds), name_of(owner, name), whole(branch), title)
    return Response()


@router.delete("/api/{kinds}/{owner}/{name}/tag/{tag}")
def delete_tag(kinds: str, owner: str, name: str, tag: str, hub: AHub, asker: AnAsker) -> Response:
    """Remove a tag."""
    keeping.remove_ref(hub, asker, kind_of(kinds), name_of(owner, name), whole(tag), refs.TAG)
    return Response()
