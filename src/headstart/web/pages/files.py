"""A revision's files: folders, a file's text, and its bytes for who is signed in."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from headstart.errors import HeadstartError
from headstart.hub.errors import NoEntryError
from headstart.hub.hub import Hub
from headstart.hub.registry import refs, trees
from headstart.hub.registry.model import Entry, Kind
from headstart.hub.serve.context import name_of
from headstart.hub.serve.paths import whole
from headstart.hub.serve.routes import resolve
from headstart.web.faults import PageRoute
from headstart.web.markdown import PICTURES
from headstart.web.pages.shelf import Shelf, held, shelf
from headstart.web.visit import AVisit, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MOST, SHOWN = 1000, 200_000


@dataclass(frozen=True)
class Line:
    """A file, or a folder with what lies in it, as a list shows it."""

    name: str
    path: str
    size: int
    folder: bool
    files: int = 1


@router.get("/datasets/{owner}/{name}/tree/{revision}")
@router.get("/datasets/{owner}/{name}/tree/{revision}/{path:path}")
def dataset_tree(
    owner: str, name: str, revision: str, visit: AVisit, path: str = ""
) -> Response:  # fmt: skip
    """List a folder of a data set."""
    return _tree(visit, Kind.DATASET, owner, name, revision, path)


@router.get("/{owner}/{name}/tree/{revision}")
@router.get("/{owner}/{name}/tree/{revision}/{path:path}")
def model_tree(
    owner: str, name: str, revision: str, visit: AVisit, path: str = ""
) -> Response:  # fmt: skip
    """List a folder of a model."""
    return _tree(visit, Kind.MODEL, owner, name, revision, path)


@router.get("/datasets/{owner}/{name}/blob/{revision}/{path:path}")
def dataset_file(owner: str, name: str, revision: str, path: str, visit: AVisit) -> Response:
    """Show a file of a data set."""
    return _file(visit, Kind.DATASET, owner, name, revision, path)


@router.get("/{owner}/{name}/blob/{revision}/{path:path}")
def model_file(owner: str, name: str, revision: str, path: str, visit: AVisit) -> Response:
    """Show a file of a model."""
    return _file(visit, Kind.MODEL, owner, name, revision, path)


@router.get("/datasets/{owner}/{name}/raw/{revision}/{path:path}")
def dataset_bytes(
    owner: str, name: str, revision: str, path: str, request: Request, visit: AVisit
) -> Response:
    """Give the bytes of a data set's file."""
    return _bytes(visit, request, Kind.DATASET, owner, name, revision, path)


@router.get("/{owner}/{name}/raw/{revision}/{path:path}")
def model_bytes(
    owner: str, name: str, revision: str, path: str, request: Request, visit: AVisit
) -> Response:
    """Give the bytes of a model's file."""
    return _bytes(visit, request, Kind.MODEL, owner, name, revision, path)


def _tree(visit: Visit, kind: Kind, owner: str, name: str, revision: str, path: str) -> Response:
    under = whole(path).strip("/")

    def look(connection: Connection) -> tuple[Shelf, list[Entry], list[str]]:
        found = shelf(connection, visit, kind, owner, name, revision)
        files = trees.entries(connection, held(found).tree)
        named = refs.all_of(connection, found.repo) if found.drafts else []
        return found, list(files.values()), [one.name for one in named]

    found, files, named = visit.read(look)
    lines = listing(files, under)
    if under and not lines:
        raise NoEntryError(f"no folder {under[:200]!r}")
    return visit.show(
        "files.html", shelf=found, tab="files", under=under, lines=lines[:MOST],
        more=max(0, len(lines) - MOST), steps=_steps(under), named=named,
        total=sum(one.size for one in files),
    )  # fmt: skip


def _file(visit: Visit, kind: Kind, owner: str, name: str, revision: str, path: str) -> Response:
    def look(connection: Connection) -> tuple[Shelf, Entry | None]:
        found = shelf(connection, visit, kind, owner, name, revision)
        return found, trees.entry(connection, held(found).tree, whole(path))

    found, entry = visit.read(look)
    if entry is None:
        raise NoEntryError(f"no file {whole(path)[:200]!r}")
    picture = entry.path.rpartition(".")[2].lower() in PICTURES
    text, cut = (None, False) if picture else _text(visit.hub, entry)
    return visit.show(
        "file.html", shelf=found, tab="files", entry=entry, picture=picture, text=text, cut=cut,
        steps=_steps(entry.path),
    )  # fmt: skip


def _bytes(
    visit: Visit, request: Request, kind: Kind, owner: str, name: str, revision: str, path: str
) -> Response:
    full = name_of(owner, name)
    response = resolve.answer(
        request, visit.hub, visit.asker, visit.base, kind, full, revision, path
    )
    kind_of_picture = PICTURES.get(path.rpartition(".")[2].lower())
    if kind_of_picture is not None:
        response.headers["Content-Type"] = kind_of_picture
    return response


def listing(files: list[Entry], under: str) -> list[Line]:
    """Return what lies in a folder: folders first, then files, by name."""
    start = under + "/" if under else ""
    folders: dict[str, list[int]] = {}
    lines = []
    for one in files:
        if not one.path.startswith(start):
            continue
        name, _, rest = one.path.removeprefix(start).partition("/")
        if rest:
            folders.setdefault(name, []).append(one.size)
        else:
            lines.append(Line(name, one.path, one.size, folder=False))
    made = [Line(name, start + name, sum(sizes), folder=True, files=len(sizes))
            for name, sizes in sorted(folders.items())]  # fmt: skip
    return made + sorted(lines, key=lambda one: one.name)


def _steps(path: str) -> list[tuple[str, str]]:
    """Return each folder on the way to a path, with its own path."""
    parts = path.split("/") if path else []
    return [(part, "/".join(parts[: place + 1])) for place, part in enumerate(parts)]


def _text(hub: Hub, entry: Entry) -> tuple[str | None, bool]:
    """Return the beginning of a text file, and whether there is more; None of what is no text."""
    try:
        data = b"".join(hub.store.read(entry.sha256, 0, min(entry.size, SHOWN)))
    except HeadstartError:
        return None, False
    if b"\0" in data:
        return None, False
    cut = entry.size > len(data)
    try:  # the last sign may be cut in the middle: up to three bytes of it are left
        text = data.decode("utf-8") if not cut else data[:-4].decode("utf-8", "ignore")
    except UnicodeDecodeError:
        return None, False
    return text, cut
