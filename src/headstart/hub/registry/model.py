"""What the registry holds, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a repo holds."""

    MODEL = "model"
    DATASET = "dataset"


class State(StrEnum):
    """What became of a revision. Only an approved one is given to readers."""

    CANDIDATE = "candidate"
    GATED = "gated"
    APPROVED = "approved"
    RETIRED = "retired"
    REFUSED = "refused"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Place:
    """Where a repo is, and whether all may see it: enough to say who may."""

    id: str
    name: str
    owner: str
    private: bool
    mirror: str | None


@dataclass(frozen=True)
class Repo:
    """One repo; ``name`` is ``owner/name`` as it is called now.

    ``mirror`` is the address of the hub that it was fetched from; None for the hub's own.
    """

    id: str
    kind: Kind
    name: str
    owner: str
    private: bool
    created: datetime
    changed: datetime
    published: bool
    downloads: int
    library: str | None
    pipeline: str | None
    size: int
    parameters: int | None
    card: dict[str, Any]
    tags: tuple[str, ...] = ()
    mirror: str | None = None


@dataclass(frozen=True)
class Commit:
    """One commit; ``id`` has 40 hex digits."""

    id: str
    repo: str
    serial: int
    parent: str | None
    tree: str
    title: str
    message: str
    author: str
    created: datetime


@dataclass(frozen=True)
class Entry:
    """One file of a tree.

    Attributes:
        path: From the repo's root, ``/`` between folders.
        oid: Git's blob id, of a large file that of its pointer.
        sha256: Of the content.
        size: Of the content, bytes.
        large: Whether it came as LFS or Xet.
    """

    path: str
    oid: str
    sha256: str
    size: int
    large: bool

    @property
    def etag(self) -> str:
        """What names the content towards clients."""
        return self.sha256 if self.large else self.oid


@dataclass(frozen=True)
class Ref:
    """A branch or tag."""

    kind: str
    name: str
    head: str
    published: str | None


@dataclass(frozen=True)
class Change:
    """What a commit changes: files that come (or are replaced), and paths that go."""

    put: dict[str, Entry] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    removed_folders: frozenset[str] = frozenset()
