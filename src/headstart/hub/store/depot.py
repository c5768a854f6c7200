"""Where objects lie: put whole or not at all, under keys like ``objects/ab/abcdef``."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from headstart.errors import UnwritableError, WorkError


class Depot(Protocol):
    """A place for objects that never change what they mean, though they may be put again."""

    scratch: Path
    """A local folder for what is under way."""

    def get(self, key: str) -> bytes:
        """Return an object; KeyError if there is none."""
        ...

    def put(self, key: str, *parts: bytes) -> None:
        """Put an object: a reader sees all of it or the one before."""
        ...

    def age(self, key: str) -> float | None:
        """Return how many seconds ago an object was put; None if there is none."""
        ...

    def delete(self, key: str, older: float = 0) -> bool:
        """Delete an object put more than ``older`` seconds ago; return whether it was."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys of the objects under a folder."""
        ...


class LocalDepot:
    """Objects as files of a local folder.

    Args:
        root: The folder; made if need be.
    """

    def __init__(self, root: Path) -> None:
        self._root, self.scratch = root, root / "scratch"
        try:
            self.scratch.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(root, error) from error
        _tidy(self.scratch)

    def get(self, key: str) -> bytes:
        """Return an object; KeyError if there is none."""
        try:
            return (self._root / key).read_bytes()
        except FileNotFoundError:
            raise KeyError(key) from None
        except OSError as error:
            raise WorkError(
                f"stored bytes cannot be read: {error.strerror}", where=str(self._root / key)
            ) from error

    def put(self, key: str, *parts: bytes) -> None:
        """Write beside, then rename."""
        place = self._root / key
        beside = self.scratch / f"{os.getpid()}-{os.urandom(8).hex()}"
        try:
            with beside.open("wb", buffering=0) as file:
                for part in parts:
                    _write(file.fileno(), part)
                os.fdatasync(file.fileno())
            try:
                beside.replace(place)
            except FileNotFoundError:
                place.parent.mkdir(parents=True, exist_ok=True)
                beside.replace(place)
        except OSError as error:
            raise _unwritable(place, error) from error
        finally:
            beside.unlink(missing_ok=True)

    def age(self, key: str) -> float | None:
        """Return how many seconds ago an object was put; None if there is none."""
        try:
            return max(0.0, time.time() - (self._root / key).stat().st_mtime)
        except OSError:
            return None

    def delete(self, key: str, older: float = 0) -> bool:
        """Move an object aside, look at its age once more, and only then let it go.

        A push that meets the object before it is moved puts it anew (and younger); one that
        comes after finds nothing, and puts it, too. So none relies on what is about to go.
        """
        place = self._root / key
        aside = self.scratch / f"{os.getpid()}-{os.urandom(8).hex()}"
        try:
            place.rename(aside)
        except FileNotFoundError:
            return False
        if time.time() - aside.stat().st_mtime < older:
            with suppress(FileExistsError):
                os.link(aside, place)
            aside.unlink()
            return False
        aside.unlink()
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys of the objects under a folder, in order."""
        for folder, folders, files in os.walk(self._root / prefix):
            folders.sort()
            for name in sorted(files):
                yield (Path(folder) / name).relative_to(self._root).as_posix()


def depot_at(place: str) -> Depot:
    """Return the depot at a local path, or at an fsspec URL such as ``s3://bucket/folder``."""
    if "://" not in place:
        return LocalDepot(Path(place))
    from headstart.hub.store.remote import RemoteDepot

    return RemoteDepot(place)


def _write(descriptor: int, part: bytes) -> None:
    view = memoryview(part)
    while view:
        view = view[os.write(descriptor, view) :]


def _unwritable(place: Path, error: OSError) -> UnwritableError:
    mend = "free space there" if error.errno in (errno.ENOSPC, errno.EDQUOT) else None
    return UnwritableError(
        f"the hub's store cannot be written to: {error.strerror or error}",
        where=str(place), mend=mend or "free the permissions there",
    )  # fmt: skip


def _tidy(scratch: Path) -> None:
    """Remove what processes that are no more have left half-written."""
    for file in scratch.iterdir():
        owner = file.name.partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            with suppress(OSError):
                file.unlink()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
