"""Pushes: what clients bring becomes a commit, or nothing does."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from headstart.hub.access.model import Asker
from headstart.hub.actions import finding
from headstart.hub.actions.describing import describe
from headstart.hub.errors import BadRequestError
from headstart.hub.hub import Hub
from headstart.hub.registry import audit, commits, refs
from headstart.hub.registry.git import blob_oid, pointer_oid
from headstart.hub.registry.model import Change, Commit, Entry, Kind, Repo
from headstart.hub.registry.names import file_path

REGULAR = 10 * 1024 * 1024
LINE = 16 * 1024 * 1024
MOST = 25_000
_SHA256 = 64
_HALF = re.compile("[\ud800-\udfff]")


@dataclass
class Push:
    """A commit as a client asks for it."""

    title: str = ""
    message: str = ""
    parent: str | None = None
    put: dict[str, Entry] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    removed_folders: set[str] = field(default_factory=set)


def push(
    hub: Hub, asker: Asker, kind: Kind, name: str, branch: str, lines: Iterable[bytes]
) -> tuple[Repo, Commit]:
    """Do a commit in the protocol's NDJSON.

    Args:
        hub: The hub.
        asker: Who pushes.
        kind: What the repo holds.
        name: The repo.
        branch: Its branch.
        lines: One operation each; the header comes first.

    Raises:
        HubError: What is asked for is refused; nothing is changed.
    """
    repo = hub.database.read(lambda c: finding.writable(c, asker, kind, name))
    wanted = _read(hub, repo, lines)
    author = str(asker.name)
    change = Change(wanted.put, frozenset(wanted.removed), frozenset(wanted.removed_folders))

    def work(connection: Connection) -> Commit:
        _check_uploads(connection, repo, wanted)
        made = commits.commit(
            connection, repo, branch, change, title=wanted.title or "update",
            message=wanted.message, author=author, parent=wanted.parent,
        )  # fmt: skip
        for entry in wanted.put.values():
            commits.remember_upload(connection, repo, entry.sha256, entry.size, author)
        at_once = kind is Kind.DATASET
        if branch == refs.MAIN and (at_once or not repo.published):  # else readers see the old
            describe(hub, connection, repo, made, published=at_once)
        audit.note(connection, author, "push", repo.name, branch=branch, commit=made.id)
        return made

    return repo, hub.database.write(work)


def _read(hub: Hub, repo: Repo, lines: Iterable[bytes]) -> Push:
    wanted = Push()
    for count, (key, value) in enumerate(_operations(lines)):
        if count > MOST:
            raise BadRequestError(f"a commit has at most {MOST} operations: split it")
        _STEPS[key](hub, repo, wanted, value)
    return wanted


def _operations(lines: Iterable[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(line) > LINE:
            raise BadRequestError(f"line {number} of the commit is longer than {LINE >> 20} MiB")
        try:
            found = json.loads(line)
            key, value = found["key"], found["value"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise BadRequestError(f"line {number} of the commit is no operation") from None
        if key not in _STEPS or not isinstance(value, dict):
            raise BadRequestError(f"line {number} of the commit asks for what is not known")
        yield key, value


def _header(hub: Hub, repo: Repo, wanted: Push, value: dict[str, Any]) -> None:
    wanted.title = _text(value, "summary", "")[:500]
    wanted.message = _text(value, "description", "")[:20_000]
    parent = value.get("parentCommit")
    wanted.parent = parent if isinstance(parent, str) and parent else None


def _file(hub: Hub, repo: Repo, wanted: Push, value: dict[str, Any]) -> None:
    path = _free(wanted, value)
    if value.get("encoding", "base64") != "base64":
        raise BadRequestError(f"{path!r} must come in base64")
    try:
        data = base64.b64decode(_text(value, "content"), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequestError(f"the content of {path!r} is no base64") from None
    if len(data) > REGULAR:
        raise BadRequestError(f"{path!r} is over {REGULAR >> 20} MiB: bring it by LFS or Xet")
    content = hub.store.add([data])
    wanted.put[path] = Entry(path, blob_oid(data), content.sha256, content.size, large=False)


def _large(hub: Hub, repo: Repo, wanted: Push, value: dict[str, Any]) -> None:
    path = _free(wanted, value)
    oid = _text(value, "oid")
    if value.get("algo", "sha256") != "sha256" or len(oid) != _SHA256:
        raise BadRequestError(f"{path!r} must be named by its sha256")
    content = hub.store.content(oid)
    size = value.get("size")
    if content is None or (size is not None and size != content.size):
        raise _not_brought(path, oid)
    wanted.put[path] = Entry(path, pointer_oid(oid, content.size), oid, content.size, large=True)


def _removed(hub: Hub, repo: Repo, wanted: Push, value: dict[str, Any]) -> None:
    wanted.removed.add(_text(value, "path"))


def _removed_folder(hub: Hub, repo: Repo, wanted: Push, value: dict[str, Any]) -> None:
    wanted.removed_folders.add(file_path(_text(value, "path").strip("/")))


_STEPS = {
    "header": _header,
    "file": _file,
    "lfsFile": _large,
    "deletedFile": _removed,
    "deletedFolder": _removed_folder,
}


def _check_uploads(connection: Connection, repo: Repo, wanted: Push) -> None:
    """Refuse bytes that are here for others, and that nobody brought to this repo."""
    for path, entry in wanted.put.items():
        if entry.large and not commits.uploaded(connection, repo, entry.sha256):
            raise _not_brought(path, entry.sha256)


def _not_brought(path: str, oid: str) -> BadRequestError:
    return BadRequestError(
        f"the content of {path!r} (sha256 {oid[:12]}…) was not brought here whole",
        mend="upload it again; if nothing is sent, remove the client's Xet cache "
        "(HF_XET_CACHE, in HF_HOME)",
    )


def _free(wanted: Push, value: dict[str, Any]) -> str:
    path = file_path(_text(value, "path"))
    if path in wanted.put:
        raise BadRequestError(f"{path!r} comes twice in one commit")
    return path


def _text(value: dict[str, Any], key: str, default: str | None = None) -> str:
    found = value.get(key, default)
    if not isinstance(found, str):
        raise BadRequestError(f"an operation of the commit has no {key!r}")
    if "\0" in found or (not found.isascii() and _HALF.search(found)):
        raise BadRequestError(f"the {key!r} of an operation holds what is no text")
    return found
