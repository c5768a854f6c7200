"""Repos and files as the protocol describes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from headstart.hub.registry import cards
from headstart.hub.registry.git import pointer_size
from headstart.hub.registry.model import Commit, Entry, Repo

Json = dict[str, Any]


def time_text(moment: datetime) -> str:
    """Return a time as clients read it: ISO 8601, milliseconds, Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{moment.microsecond // 1000:03d}Z"
    )


def repo_object(repo: Repo, commit: Commit | None = None, card: Json | None = None) -> Json:
    """Return what lists and infos tell of a repo."""
    data = repo.card if card is None else card
    tags = list(repo.tags) if data is repo.card else cards.tags(data, repo.kind)
    found: Json = {
        "_id": repo.id[:24], "id": repo.name, "author": repo.name.partition("/")[0],
        "private": repo.private, "gated": False, "disabled": False,
        "lastModified": time_text(commit.created if commit else repo.changed),
        "createdAt": time_text(repo.created), "downloads": repo.downloads, "likes": 0,
        "tags": tags, "cardData": data, "usedStorage": repo.size,
    }  # fmt: skip
    if repo.kind == "model":
        found["modelId"] = repo.name
        for key in ("library_name", "pipeline_tag"):
            if isinstance(data.get(key), str):
                found[key] = data[key]
    if repo.mirror is not None:
        found["mirrored"] = True
    if commit is not None:
        found["sha"] = commit.id
    return found


def sibling(entry: Entry, *, blobs: bool) -> Json:
    """Return a file as infos list it."""
    found: Json = {"rfilename": entry.path}
    if blobs:
        found |= {"size": entry.size, "blobId": entry.oid}
        if entry.large:
            found["lfs"] = {"sha256": entry.sha256, **_pointer(entry)}
    return found


def file_object(entry: Entry, xet: str | None = None, last: Commit | None = None) -> Json:
    """Return a file as trees list it."""
    found: Json = {
        "type": "file", "oid": entry.oid, "size": entry.size, "path": entry.path
    }  # fmt: skip
    if entry.large:
        found["lfs"] = {"oid": entry.sha256, **_pointer(entry)}
    if xet is not None:
        found["xetHash"] = xet
    if last is not None:
        found["lastCommit"] = last_commit(last)
    return found


def folder_object(path: str, oid: str, last: Commit | None = None) -> Json:
    """Return a folder as trees list it."""
    found: Json = {"type": "directory", "oid": oid, "size": 0, "path": path}
    if last is not None:
        found["lastCommit"] = last_commit(last)
    return found


def last_commit(commit: Commit) -> Json:
    """Return the commit that made a file what it is."""
    return {"id": commit.id, "title": commit.title, "date": time_text(commit.created)}


def commit_object(commit: Commit) -> Json:
    """Return a commit as histories list it."""
    return {
        "id": commit.id, "title": commit.title, "message": commit.message,
        "authors": [{"user": commit.author}], "date": time_text(commit.created),
    }  # fmt: skip


def _pointer(entry: Entry) -> Json:
    return {"size": entry.size, "pointerSize": pointer_size(entry.sha256, entry.size)}
