"""Infos, trees and paths: what a revision holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from headstart.hub.access.model import Asker
from headstart.hub.actions import finding
from headstart.hub.actions.describing import card_of, config_of
from headstart.hub.actions.weighing import parameters_of
from headstart.hub.errors import BadRequestError, NoEntryError
from headstart.hub.hub import Hub
from headstart.hub.registry import commits, refs, trees
from headstart.hub.registry.model import Commit, Entry, Kind, Repo
from headstart.hub.serve.context import ABase, AHub, AnAsker, kind_of, name_of
from headstart.hub.serve.mirrored import Fetched
from headstart.hub.serve.objects import Json, file_object, folder_object, repo_object, sibling
from headstart.hub.serve.paths import whole

router = APIRouter(dependencies=[Fetched])
PAGE = 1000
_BODY = 1024 * 1024
_MOST_WORDS, _LONGEST_WORD = 20, 200


@router.get("/api/{kinds}/{owner}/{name}")
def info(
    kinds: str, owner: str, name: str, request: Request, hub: AHub, asker: AnAsker,
    blobs: bool = False, expand: Annotated[list[str] | None, Query()] = None,
) -> Json:  # fmt: skip
    """Return what is known of a repo at its main branch."""
    return _info(hub, asker, kinds, name_of(owner, name), refs.MAIN, blobs, expand)


@router.get("/api/{kinds}/{owner}/{name}/revision/{revision}")
def info_at(
    kinds: str, owner: str, name: str, revision: str, hub: AHub, asker: AnAsker,
    blobs: bool = False, expand: Annotated[list[str] | None, Query()] = None,
) -> Json:  # fmt: skip
    """Return what is known of a repo at a revision."""
    return _info(hub, asker, kinds, name_of(owner, name), whole(revision), blobs, expand)


@router.get("/api/{kinds}/{owner}/{name}/tree/{revision}")
@router.get("/api/{kinds}/{owner}/{name}/tree/{revision}/{path:path}")
def tree(
    kinds: str, owner: str, name: str, revision: str, request: Request, hub: AHub,
    asker: AnAsker, base: ABase, path: str = "", recursive: bool = False, expand: bool = False,
    cursor: str = "", limit: int = PAGE,
) -> JSONResponse:  # fmt: skip
    """List files and folders under a path."""
    under = whole(path).strip("/")

    def look(connection: Connection) -> tuple[Repo, Commit, list[Entry], dict[str, Commit]]:
        found = finding.revision_for(
            connection, asker, kind_of(kinds), name_of(owner, name), whole(revision)
        )
        files = list(trees.entries(connection, found.commit.tree).values())
        last = commits.last_changes(connection, found.repo, found.commit) if expand else {}
        return found.repo, found.commit, files, last

    repo, commit, files, last = hub.database.read(look)
    listed = _listed(hub, files, under, recursive, last, commit if expand else None)
    if under and not listed:
        raise NoEntryError(f"no folder {under!r} in {repo.name}", commit=commit.id)
    limit = max(1, min(limit, PAGE))
    page = [one for one in listed if one["path"] > cursor][:limit]
    headers = {"X-Repo-Commit": commit.id}
    if page and page[-1] is not listed[-1]:
        url = request.url.include_query_params(cursor=page[-1]["path"])
        raw = request.scope["raw_path"].decode("ascii", "replace").partition("?")[0]
        headers["Link"] = f'<{base}{raw}?{url.query}>; rel="next"'
    return JSONResponse(page, headers=headers)


@router.post("/api/{kinds}/{owner}/{name}/paths-info/{revision}")
async def paths_info(
    kinds: str, owner: str, name: str, revision: str, request: Request, hub: AHub, asker: AnAsker
) -> JSONResponse:
    """Describe some paths; unknown ones are left out."""
    body = await request.body()
    if len(body) > _BODY:
        raise BadRequestError("too many paths at once")
    paths, expand = _asked_paths(request, body)

    def look(connection: Connection) -> tuple[Commit, list[Entry], dict[str, Commit]]:
        found = finding.revision_for(
            connection, asker, kind_of(kinds), name_of(owner, name), whole(revision)
        )
        files = list(trees.entries(connection, found.commit.tree).values())
        last = commits.last_changes(connection, found.repo, found.commit) if expand else {}
        return found.commit, files, last

    commit, files, last = hub.database.read(look)
    known = {
        one["path"]: one for one in _listed(hub, files, "", True, last, commit if expand else None)
    }
    found = [known[path] for path in dict.fromkeys(paths) if path in known]
    return JSONResponse(found, headers={"X-Repo-Commit": commit.id})


def _info(
    hub: Hub, asker: Asker, kinds: str, name: str, revision: str, blobs: bool,
    expand: list[str] | None,
) -> Json:  # fmt: skip
    def look(connection: Connection) -> tuple[Repo, Commit, dict[str, Entry]]:
        found = finding.revision_for(connection, asker, kind_of(kinds), name, revision)
        return found.repo, found.commit, trees.entries(connection, found.commit.tree)

    repo, commit, files = hub.database.read(look)
    found = whole_info(hub, repo, commit, files, blobs=blobs)
    found["xetEnabled"] = False  # old clients then ask for LFS; newer ones do not ask
    if expand:
        found = {key: value for key, value in found.items() if key in ("_id", "id", *expand)}
    return found


def whole_info(
    hub: Hub, repo: Repo, commit: Commit, files: Mapping[str, Entry], *, blobs: bool = False,
    card: Json | None = None, opened: bool = True,
) -> Json:  # fmt: skip
    """Return all that is told of a repo at a commit, its files with it.

    Args:
        hub: The hub.
        repo: The repo.
        commit: The commit.
        files: What it holds.
        blobs: Whether to tell of each file more than its path.
        card: The commit's card, where it is known already.
        opened: Whether to tell what only the files' own content tells.
    """
    found = repo_object(repo, commit, card_of(hub, files) if card is None else card)
    found["siblings"] = [sibling(one, blobs=blobs) for one in files.values()]
    found["usedStorage"] = sum(one.size for one in files.values())
    if opened and repo.kind is Kind.MODEL:
        found["config"] = _model_config(config_of(hub, files))
        if parameters := parameters_of(hub, files):
            found["safetensors"] = {"parameters": parameters, "total": sum(parameters.values())}
    return found


def _model_config(config: Json) -> Json:
    """Return what clients ask of a configuration: words only, for anybody may have written it."""
    found: Json = {}
    if (kind := _word(config.get("model_type"))) is not None:
        found["model_type"] = kind
    told = config.get("architectures")
    if isinstance(told, list):
        found["architectures"] = [one for one in map(_word, told[:_MOST_WORDS]) if one is not None]
    return found


def _word(value: Any) -> str | None:
    good = isinstance(value, str) and len(value) <= _LONGEST_WORD and value.isprintable()
    return value if good else None


def _listed(
    hub: Hub, files: list[Entry], under: str, recursive: bool, last: dict[str, Commit],
    commit: Commit | None,
) -> list[Json]:  # fmt: skip
    start = under + "/" if under else ""
    found: dict[str, Json] = {}
    for entry in files:
        if not entry.path.startswith(start):
            continue
        parts = entry.path.removeprefix(start).split("/")
        depths = range(1, len(parts)) if recursive else range(1, min(2, len(parts)))
        for depth in depths:
            folder = start + "/".join(parts[:depth])
            if folder not in found:
                found[folder] = folder_object(folder, _folder_oid(files, folder), commit)
        if recursive or len(parts) == 1:
            xet = hub.vault.hash_of(entry.sha256) if entry.large else None
            found[entry.path] = file_object(entry, xet, last.get(entry.path))
    return [found[path] for path in sorted(found)]


def _folder_oid(files: list[Entry], folder: str) -> str:
    return trees.name_of(one for one in files if one.path.startswith(folder + "/"))


def _asked_paths(request: Request, body: bytes) -> tuple[list[str], bool]:
    if request.headers.get("content-type", "").startswith("application/json"):
        return [], False
    try:
        form = parse_qs(body.decode("utf-8"), max_num_fields=10_000)
    except (UnicodeDecodeError, ValueError):
        raise BadRequestError("the paths cannot be read") from None
    expand: Any = form.get("expand", ["false"])[0]
    return form.get("paths", []), str(expand).lower() == "true"
