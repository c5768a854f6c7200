"""A depot in a local folder: write beside, make it last, rename."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from headstart.hub.store.depot import Staged, checked
from headstart.hub.store.model import writing
from headstart.hub.store.scratch import Scratch

_ASIDE = "aside"


@dataclass(frozen=True)
class _Beside:
    key: str
    path: Path


class LocalDepot:
    """Objects as files below ``root``.

    Raises:
        UnwritableError: The folder cannot be made or written to.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        with writing(str(root)):
            self._scratch = Scratch(root / "scratch")
        self.scratch = self._scratch.path

    def get(self, key: str) -> bytes:
        """Return an object; KeyError if it is not there."""
        path = self._path(key)
        for place in (path, self._aside(key), path):  # in this order it comes back from aside
            with suppress(FileNotFoundError):
                return place.read_bytes()
        raise KeyError(key)

    def put(self, key: str, *parts: bytes | memoryview) -> None:
        """Keep ``parts`` in one object, whole or not at all."""
        self.keep([self.stage(key, *parts)])

    def stage(self, key: str, *parts: bytes | memoryview) -> Staged:
        """Write an object beside; its bytes are on the disk when this returns."""
        beside = _Beside(checked(key), self._scratch.fresh())
        try:
            with writing(str(self.root)):
                _write(beside.path, parts)
        except BaseException:
            self.drop([beside])
            raise
        return beside

    def keep(self, staged: Sequence[Staged]) -> None:
        """Rename what was staged into its place; it survives a power cut after this."""
        folders: set[Path] = set()
        with writing(str(self.root)):
            for beside in staged:
                assert isinstance(beside, _Beside)
                path = self._path(beside.key)
                if path.parent not in folders:
                    _make_folder(path.parent)
                    folders.add(path.parent)
                beside.path.replace(path)
            for folder in folders:
                _sync(folder)

    def drop(self, staged: Sequence[Staged]) -> None:
        """Delete what was staged and not kept."""
        for beside in staged:
            assert isinstance(beside, _Beside)
            with suppress(OSError):
                beside.path.unlink(missing_ok=True)

    def age(self, key: str) -> float | None:
        """Return the seconds since the object was put; None if it is not there."""
        try:
            return time.time() - self._path(key).stat().st_mtime
        except FileNotFoundError:
            return None

    def delete(self, key: str) -> None:
        """Delete an object if it is there."""
        with writing(str(self.root)):
            self._path(key).unlink(missing_ok=True)

    def renew(self, key: str, *parts: bytes | memoryview) -> None:
        """Put an object again: a discard takes it away whole, looks at its age, and returns it."""
        self.put(key, *parts)

    def discard(self, key: str, older_seconds: float) -> bool:
        """Delete an object unless it is younger, or becomes so now; return whether it went."""
        age = self.age(key)
        if age is None or age < older_seconds:
            return False
        path, aside = self._path(key), self._aside(key)
        with writing(str(self.root)), suppress(FileNotFoundError):
            aside.parent.mkdir(parents=True, exist_ok=True)
            path.replace(aside)
            if time.time() - aside.stat().st_mtime < older_seconds:
                aside.replace(path)
                return False
            aside.unlink()
            return True
        return False

    def recover(self) -> None:
        """Put back what a discard that was killed had set aside."""
        with writing(str(self.root)):
            for aside in self.keys(_ASIDE):
                path = self._path(aside.removeprefix(f"{_ASIDE}/"))
                with suppress(FileNotFoundError):
                    if path.exists():
                        (self.root / aside).unlink()
                    else:
                        (self.root / aside).replace(path)

    def keys(self, prefix: str) -> Iterator[str]:
        """Give the keys below a folder, in no order."""
        folders = [prefix]
        while folders:
            folder = folders.pop()
            try:
                entries = list(os.scandir(self.root / folder))
            except (FileNotFoundError, NotADirectoryError):
                continue
            for entry in entries:
                key = f"{folder}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    folders.append(key)
                else:
                    yield key

    def _path(self, key: str) -> Path:
        return self.root / checked(key)

    def _aside(self, key: str) -> Path:
        return self.root / _ASIDE / checked(key)


def _write(path: Path, parts: Sequence[bytes | memoryview]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        for part in parts:
            left = memoryview(part)
            while left:
                left = left[os.write(handle, left) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
