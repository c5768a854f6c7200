"""Where objects lie: a local folder, or anything that fsspec speaks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

_KEY = re.compile(r"[a-z0-9]+(/[A-Za-z0-9][A-Za-z0-9._-]*)+")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class Staged(Protocol):
    """An object that is written but not yet to be seen."""

    @property
    def key(self) -> str:
        """Return the name it will have."""


class Depot(Protocol):
    """Objects under keys such as ``objects/ab/abcd``; safe for many threads and processes."""

    scratch: Path
    """A local folder of this process for what is under way; gone some time after it ends."""

    def get(self, key: str) -> bytes:
        """Return an object.

        Raises:
            KeyError: It is not there.
            OSError: It cannot be read.
        """

    def put(self, key: str, *parts: bytes | memoryview) -> None:
        """Keep ``parts`` in one object: whole or not at all, in place of what was there.

        Raises:
            UnwritableError: No room (`Full`), or no permission.
        """

    def stage(self, key: str, *parts: bytes | memoryview) -> Staged:
        """Write an object that `keep` will show; as `put` else."""

    def keep(self, staged: Sequence[Staged]) -> None:
        """Show what was staged, for good."""

    def drop(self, staged: Sequence[Staged]) -> None:
        """Forget what was staged. Never raises."""

    def age(self, key: str) -> float | None:
        """Return the seconds since the object was put; None if it is not there."""

    def delete(self, key: str) -> None:
        """Delete an object; one that is not there is no error."""

    def renew(self, key: str, *parts: bytes | memoryview) -> None:
        """Put an object again so that its age begins anew, also while it is being discarded."""

    def discard(self, key: str, older_seconds: float) -> bool:
        """Delete an object unless it is younger, or becomes so now; return whether it went."""

    def recover(self) -> None:
        """Put back what a discard that was killed had set aside."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Give the keys below a folder such as ``objects`` or ``objects/ab``, in no order."""


def checked(key: str) -> str:
    """Return ``key`` if it can name an object, whatever it was made of.

    Raises:
        ValueError: It has empty, hidden, or upward parts, or odd characters.
    """
    if len(key) > 255 or not _KEY.fullmatch(key):
        raise ValueError(f"no key of an object: {key!r}")
    return key


def depot_at(place: str) -> Depot:
    """Return the depot at a path, or at a URL that fsspec knows (``s3://bucket/folder``).

    Raises:
        RequestError: fsspec does not know such URLs, or lacks a package for them.
        UnwritableError: The folder cannot be made or written to.
    """
    if _URL.match(place):
        from headstart.hub.store.remote import RemoteDepot

        return RemoteDepot(place)
    from headstart.hub.store.local import LocalDepot

    return LocalDepot(Path(place))
