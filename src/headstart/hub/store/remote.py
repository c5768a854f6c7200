"""Objects on anything that fsspec speaks: S3 and the like."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from headstart.errors import RequestError, UnwritableError, WorkError


class RemoteDepot:
    """Objects at an fsspec URL. One put is one object: stores of this kind do not show halves.

    Args:
        place: Such as ``s3://bucket/folder``.

    Raises:
        RequestError: The package that speaks to such a place is not installed.
    """

    def __init__(self, place: str) -> None:
        try:
            core: Any = import_module("fsspec.core")
            self._system, self._root = core.url_to_fs(place)
        except (ImportError, ValueError) as error:
            raise RequestError(
                f"bytes cannot be kept there: {error}", where=place,
                mend="pip install the package that it names, s3fs for s3://",
            ) from error  # fmt: skip
        self.scratch = Path(tempfile.mkdtemp(prefix="headstart-hub-"))

    def get(self, key: str) -> bytes:
        """Return an object; KeyError if there is none."""
        try:
            return bytes(self._system.cat_file(self._at(key)))
        except FileNotFoundError:
            raise KeyError(key) from None
        except OSError as error:
            raise WorkError(f"stored bytes cannot be read: {error}", where=key) from error

    def put(self, key: str, *parts: bytes) -> None:
        """Put an object whole."""
        try:
            self._system.pipe_file(self._at(key), b"".join(parts))
        except OSError as error:
            raise UnwritableError(f"the store refused bytes: {error}", where=key) from error

    def age(self, key: str) -> float | None:
        """Return how many seconds ago an object was put; None if there is none."""
        try:
            self._system.invalidate_cache()
            told = self._system.info(self._at(key))
        except FileNotFoundError:
            return None
        for name in ("LastModified", "last_modified", "mtime", "created", "updated"):
            if told.get(name) is not None:
                return max(0.0, time.time() - _seconds(told[name]))
        return float("inf")  # unknown: what is pushed again is put again

    def delete(self, key: str, older: float = 0) -> bool:
        """Delete an object that is old enough."""
        age = self.age(key)
        if age is None or age < older:
            return False
        self._system.rm_file(self._at(key))
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys of the objects under a folder, in order."""
        start = len(self._root.rstrip("/")) + 1
        for path in sorted(self._system.find(self._at(prefix))):
            yield path[start:]

    def _at(self, key: str) -> str:
        return f"{self._root.rstrip('/')}/{key}"


def _seconds(moment: Any) -> float:
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return float(moment)
