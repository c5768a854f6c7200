"""The bytes of files: ``/resolve``, whole or a range of them, each piece verified on its way."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from sqlalchemy import Connection

from headstart.hub.access.model import Asker
from headstart.hub.actions import finding
from headstart.hub.errors import NoEntryError
from headstart.hub.hub import Hub
from headstart.hub.registry import repos, trees
from headstart.hub.registry.model import Commit, Entry, Kind, Repo
from headstart.hub.serve.context import ABase, AHub, AnAsker, name_of, path_of
from headstart.hub.serve.mirrored import Fetched
from headstart.hub.serve.paths import whole
from headstart.hub.serve.ranges import OutsideError, wanted
from headstart.hub.serve.streams import begun

router = APIRouter(dependencies=[Fetched])
_MEANT = {"GET", "HEAD"}


@router.api_route("/{owner}/{name}/resolve/{revision}/{path:path}", methods=sorted(_MEANT))
def model_file(
    owner: str, name: str, revision: str, path: str, request: Request, hub: AHub,
    asker: AnAsker, base: ABase,
) -> Response:  # fmt: skip
    """Return a model's file."""
    return answer(request, hub, asker, base, Kind.MODEL, name_of(owner, name), revision, path)


@router.api_route("/datasets/{owner}/{name}/resolve/{revision}/{path:path}", methods=sorted(_MEANT))
def dataset_file(
    owner: str, name: str, revision: str, path: str, request: Request, hub: AHub,
    asker: AnAsker, base: ABase,
) -> Response:  # fmt: skip
    """Return a data set's file."""
    return answer(request, hub, asker, base, Kind.DATASET, name_of(owner, name), revision, path)


def answer(
    request: Request, hub: Hub, asker: Asker, base: str, kind: Kind, name: str, revision: str,
    path: str,
) -> Response:  # fmt: skip
    """Return a file, a part of it, or why it is not had; pages use this, too."""

    def look(connection: Connection) -> tuple[Repo, Commit, Entry | None]:
        found = finding.revision_for(connection, asker, kind, name, whole(revision))
        return found.repo, found.commit, trees.entry(connection, found.commit.tree, whole(path))

    repo, commit, entry = hub.database.read(look)
    if repo.name != name:
        return _moved(kind, repo, revision, path)
    if entry is None:
        raise NoEntryError(
            f"no file {whole(path)[:200]!r} in {repo.name} at {commit.id[:7]}", commit=commit.id
        )
    if request.method == "GET" and request.headers.get("x-hf-download-counter"):
        hub.database.write(lambda c: repos.count_download(c, repo))
    headers = _headers(hub, base, kind, repo, commit, entry)
    return _content(request, hub, entry, headers)


def _headers(
    hub: Hub, base: str, kind: Kind, repo: Repo, commit: Commit, entry: Entry
) -> dict[str, str]:
    shown = quote(entry.path.rpartition("/")[2], safe="")
    found = {
        "X-Repo-Commit": commit.id,
        "ETag": f'"{entry.etag}"',
        "Accept-Ranges": "bytes",
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f"attachment; filename*=UTF-8''{shown}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-cache" if repo.private else "no-cache",
    }
    if entry.large:
        found |= {"X-Linked-Etag": f'"{entry.sha256}"', "X-Linked-Size": str(entry.size)}
        xet = hub.vault.hash_of(entry.sha256)
        if xet is not None:
            route = f"{base}/api/{kind}s/{repo.name}/xet-read-token/{commit.id}"
            found |= {"X-Xet-Hash": xet, "Link": f'<{route}>; rel="xet-auth"'}
    return found


def _content(request: Request, hub: Hub, entry: Entry, headers: dict[str, str]) -> Response:
    if request.headers.get("if-none-match", "").removeprefix("W/") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    start, stop, status = 0, entry.size, 200
    try:
        part = wanted(request.headers.get("range"), entry.size)
    except OutsideError:
        headers = {**headers, "Content-Range": f"bytes */{entry.size}"}
        return Response(status_code=416, headers=headers)
    if part is not None:
        (start, stop), status = part, 206
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{entry.size}"
    headers["Content-Length"] = str(stop - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    content = begun(hub.store.read(entry.sha256, start, stop))
    return StreamingResponse(content, status_code=status, headers=headers)


def _moved(kind: Kind, repo: Repo, revision: str, path: str) -> Response:
    route = "/".join(quote(whole(part), safe="") for part in path.split("/"))
    at = quote(whole(revision), safe="")
    return RedirectResponse(f"/{path_of(kind, repo.name)}/resolve/{at}/{route}", status_code=307)
