"""A depot on anything that fsspec speaks: S3 and its like, or a network's file system."""

from __future__ import annotations

import getpass
import posixpath
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from uuid import uuid4

import fsspec

from headstart.errors import HeadstartError, RequestError, UnusableError
from headstart.hub.store.depot import Staged, checked
from headstart.hub.store.model import writing
from headstart.hub.store.scratch import Scratch

_WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "oci", "memory"}
"""Where an object appears whole or not at all; elsewhere it is written beside and renamed."""

_MARKS, _BESIDE = "discarding", "beside"
_DISCARD_SECONDS = 60.0  # a mark that is older was left by a process that was killed
_LEFT_SECONDS = 86400.0
_LOOK_AGAIN_SECONDS = 0.05


@dataclass(frozen=True)
class _There:
    key: str


class RemoteDepot:
    """Objects below an fsspec URL.

    An object that is staged is there at once: under a name that nothing speaks of yet, and swept
    if nothing ever does.

    Raises:
        RequestError: fsspec does not know such URLs, or lacks a package for them.
    """

    def __init__(self, url: str) -> None:
        try:  # a listing that was true a while ago is no listing where many processes write
            self._fs, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except (ValueError, ImportError) as error:
            raise RequestError(
                f"nothing can be kept there: {error}",
                where=url,
                mend="name a folder, or a URL for whose scheme an fsspec package is installed",
            ) from error
        self._url = url
        schemes = self._fs.protocol
        self._whole = bool(_WHOLE & ({schemes} if isinstance(schemes, str) else set(schemes)))
        folder = Path(tempfile.gettempdir()) / f"headstart-hub-{_user()}"
        with writing(str(folder)):
            self._scratch = Scratch(folder)
        self.scratch = self._scratch.path

    def get(self, key: str) -> bytes:
        """Return an object; KeyError if it is not there."""
        try:
            with self._reached():
                return bytes(self._fs.cat_file(self._path(key)))
        except FileNotFoundError:
            raise KeyError(key) from None

    def put(self, key: str, *parts: bytes | memoryview) -> None:
        """Keep ``parts`` in one object, whole or not at all."""
        path, data = self._path(key), b"".join(parts)
        with writing(self._url), self._reached():
            if self._whole:
                self._fs.pipe_file(path, data)
                return
            beside = self._path(f"{_BESIDE}/{uuid4().hex}")
            for folder in {posixpath.dirname(path), posixpath.dirname(beside)}:
                self._fs.makedirs(folder, exist_ok=True)
            try:
                self._fs.pipe_file(beside, data)
                self._fs.mv(beside, path)
            except BaseException:
                with suppress(OSError):
                    self._fs.rm_file(beside)
                raise

    def stage(self, key: str, *parts: bytes | memoryview) -> Staged:
        """Put an object that nothing speaks of yet."""
        self.put(key, *parts)
        return _There(key)

    def keep(self, staged: Sequence[Staged]) -> None:
        """Do nothing: what was staged is there."""

    def drop(self, staged: Sequence[Staged]) -> None:
        """Do nothing: another writer may have found it already; a sweep will see."""

    def age(self, key: str) -> float | None:
        """Return the seconds since the object was put; None if it is not there."""
        try:
            with self._reached():
                put = self._fs.modified(self._path(key))
        except FileNotFoundError:
            return None
        at: float = (put if put.tzinfo else put.replace(tzinfo=UTC)).timestamp()
        return time.time() - at

    def delete(self, key: str) -> None:
        """Delete an object if it is there."""
        with writing(self._url), suppress(FileNotFoundError), self._reached():
            self._fs.rm_file(self._path(key))

    def renew(self, key: str, *parts: bytes | memoryview) -> None:
        """Put an object again; wait out a discard that may have looked at its age before."""
        self.put(key, *parts)
        if self._discarding(key):
            while self._discarding(key):
                time.sleep(_LOOK_AGAIN_SECONDS)
            if self.age(key) is None:
                self.put(key, *parts)

    def discard(self, key: str, older_seconds: float) -> bool:
        """Delete an object unless it is younger; return whether it went.

        The mark is put before the age is looked at, and `renew` looks for the mark after it put:
        one of the two sees the other.
        """
        age = self.age(key)
        if age is None or age < older_seconds:
            return False
        mark = f"{_MARKS}/{key}"
        self.put(mark, b"discard")
        try:
            age = self.age(key)
            if age is None or age < older_seconds:
                return False
            self.delete(key)
            return True
        finally:
            self.delete(mark)

    def recover(self) -> None:
        """Delete the marks and half-written objects of processes that were killed."""
        for folder in (_MARKS, _BESIDE):
            for key in self.keys(folder):
                age = self.age(key)
                if age is not None and age > _LEFT_SECONDS:
                    self.delete(key)

    def _discarding(self, key: str) -> bool:
        age = self.age(f"{_MARKS}/{key}")
        return age is not None and age < _DISCARD_SECONDS

    def keys(self, prefix: str) -> Iterator[str]:
        """Give the keys below a folder, in no order."""
        folders = [prefix]
        while folders:
            folder = folders.pop()
            try:
                entries = self._fs.ls(f"{self._root}/{folder}", detail=True)
            except (FileNotFoundError, NotADirectoryError):
                continue
            for entry in entries:
                key = f"{folder}/{posixpath.basename(entry['name'].rstrip('/'))}"
                if entry["type"] == "directory":
                    folders.append(key)
                else:
                    yield key

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Turn the errors of a store's own library, which are no OSErrors, into ours.

        Raises:
            UnusableError: It cannot be reached, or asks for other credentials.
        """
        try:
            yield
        except (OSError, HeadstartError):
            raise
        except Exception as error:  # each library has a family of its own
            raise UnusableError(
                f"the store cannot be used: {type(error).__name__}: {error}", where=self._url,
                mend="see that it is running, and what it lets this process do",
            ) from error  # fmt: skip

    def _path(self, key: str) -> str:
        return f"{self._root}/{checked(key)}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container whose user has no name
        return "unknown"
