"""What lists know of a repo: drawn from the card and the weights of one commit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from headstart.errors import HeadstartError
from headstart.hub.actions.weighing import parameters_of
from headstart.hub.errors import BadRequestError
from headstart.hub.hub import Hub
from headstart.hub.registry import cards, repos, trees
from headstart.hub.registry.git import blob_oid
from headstart.hub.registry.model import Commit, Entry, Repo

_SMALL = 1024 * 1024
_ATTRIBUTES = b"".join(
    f"*.{kind} filter=lfs diff=lfs merge=lfs -text\n".encode()
    for kind in (
        "bin",
        "gguf",
        "h5",
        "msgpack",
        "npz",
        "onnx",
        "parquet",
        "pt",
        "safetensors",
        "zip",
    )
)


def describe(
    hub: Hub, connection: Connection, repo: Repo, commit: Commit, *, published: bool
) -> None:
    """Let lists show the repo as it is in ``commit``, to readers if it is published."""
    files = trees.entries(connection, commit.tree)
    card = card_of(hub, files)
    tags = cards.tags(card, repo.kind)
    size = sum(one.size for one in files.values())
    parameters = sum(parameters_of(hub, files).values()) or None
    repos.describe(
        connection, repo, card, tags, size=size, parameters=parameters, published=published
    )


def card_of(hub: Hub, files: Mapping[str, Entry]) -> dict[str, Any]:
    """Return the card's data; empty where there is none, or none that can be read."""
    with suppress(BadRequestError):
        return cards.parse(text_of(hub, files.get("README.md")))
    return {}


def config_of(hub: Hub, files: Mapping[str, Entry]) -> dict[str, Any]:
    """Return ``config.json``'s data; empty where there is none."""
    with suppress(ValueError, RecursionError):
        found = json.loads(text_of(hub, files.get("config.json")) or "{}")
        return found if isinstance(found, dict) else {}
    return {}


def text_of(hub: Hub, entry: Entry | None) -> str:
    """Return a small text file; empty where there is none."""
    if entry is None or entry.size > _SMALL:
        return ""
    with suppress(HeadstartError):
        return b"".join(hub.store.read(entry.sha256)).decode("utf-8", "replace")
    return ""


def blank(hub: Hub) -> Entry:
    """Return the file that a new repo begins with: what is binary, as ``git`` would be told."""
    content = hub.store.add([_ATTRIBUTES])
    oid = blob_oid(_ATTRIBUTES)
    return Entry(".gitattributes", oid, content.sha256, content.size, large=False)
