"""A file on its way into the store: hashed, cut, staged; seen only when it is whole and right."""

from __future__ import annotations

import hashlib
from types import TracebackType
from typing import TYPE_CHECKING

from headstart.hub.store.cutting import Cutter
from headstart.hub.store.depot import Staged
from headstart.hub.store.model import Content, Mismatch, Piece
from headstart.hub.store.piece import LIMIT, name_of
from headstart.hub.store.recipe import INLINE, Recipe

if TYPE_CHECKING:
    from headstart.hub.store.store import Store

OID_LIMIT = 16 * 2**20
"""Bytes up to which a file's git name is worked out; git holds larger ones as pointers."""


class Writer:
    """Takes a file's bytes in any sizes; `close` verifies them and makes the file visible.

    A context manager: leaving without `close` forgets all. Holds one piece in memory. For one
    thread.

    Args:
        store: Where the file is kept.
        sha256: What the content must have, where it is known.
        size: Bytes that must come, where it is known.
    """

    def __init__(self, store: Store, sha256: str | None, size: int | None) -> None:
        self._store, self._sha256, self._announced = store, sha256, size
        self._hash = hashlib.sha256()
        self._cutter = Cutter()
        self._buffer = bytearray()
        self._small: list[bytes] | None = []  # pieces, until the file is too long for its recipe
        self._pieces: list[Piece] = []
        self._staged: dict[str, Staged | None] = {}  # by name; None: the store has it already
        self._size = 0
        self._open = True

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abandon()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes.

        Raises:
            Mismatch: More came than was announced.
            UnwritableError: No room (`Full`), or no permission.
        """
        self._must_be_open()
        try:
            left = memoryview(data).cast("B")
            if self._announced is not None and self._size + len(left) > self._announced:
                raise self._wrong_size(f"more than {self._announced} bytes came")
            self._hash.update(left)
            self._size += len(left)
            while left:
                taken, ends = self._cutter.take(left)
                self._take(left[:taken], ends)
                left = left[taken:]
        except BaseException:
            self.abandon()
            raise

    def close(self) -> Content:
        """Verify what came, make it visible, and return its names.

        Raises:
            Mismatch: The content has another sha256 or size than was announced.
            UnwritableError: No room (`Full`), or no permission.
        """
        self._must_be_open()
        try:
            return self._close()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Forget what came, unless the file was closed."""
        self._open = False
        staged = [one for one in self._staged.values() if one is not None]
        self._staged = {}
        self._store.depot.drop(staged)

    def _close(self) -> Content:
        sha256 = self._hash.hexdigest()
        if self._announced is not None and self._size != self._announced:
            raise self._wrong_size(f"{self._announced} bytes were announced, {self._size} came")
        if self._sha256 is not None and self._sha256 != sha256:
            raise Mismatch(
                f"the content has the sha256 {sha256}, announced was {self._sha256}",
                mend="send the file again; it changed or broke on its way",
            )
        if self._buffer:
            self._flush(memoryview(self._buffer))
        if self._small is not None:
            inline = b"".join(self._small)
            kept = Recipe(Content(sha256, self._size, _oid(self._size, [inline])), inline=inline)
        else:
            self._store.depot.keep([one for one in self._staged.values() if one is not None])
            self._staged = {}
            kept = Recipe(Content(sha256, self._size, self._oid()), tuple(self._pieces))
        self._store.show(kept)
        return kept.content

    def _take(self, part: memoryview, ends: bool) -> None:
        if ends and not self._buffer:
            self._flush(part)  # a whole piece in one go is not copied
            return
        self._buffer += part
        if ends:
            self._flush(memoryview(self._buffer))
            self._buffer = bytearray()

    def _flush(self, content: memoryview) -> None:
        if self._small is None:
            self._stage(content)
            return
        self._small.append(bytes(content))
        if self._size > INLINE:
            small, self._small = self._small, None
            for one in small:
                self._stage(memoryview(one))

    def _stage(self, content: memoryview) -> None:
        assert 0 < len(content) <= LIMIT
        name = name_of(content)
        self._pieces.append(Piece(name, len(content)))
        if name not in self._staged:
            self._staged[name] = self._store.stage(name, content)

    def _oid(self) -> str | None:
        """Work out git's name, which begins with the size, now that the size is known."""
        if self._size > OID_LIMIT:
            return None
        return _oid(self._size, [self._store.piece(piece.name) for piece in self._pieces])

    def _must_be_open(self) -> None:
        if not self._open:
            raise ValueError("this writer is closed")

    def _wrong_size(self, what: str) -> Mismatch:
        return Mismatch(what, mend="announce the size that is sent; the file changed meanwhile?")


def _oid(size: int, contents: list[bytes] | list[memoryview]) -> str:
    """Return git's name of a blob: SHA-1 of ``blob <size>``, a NUL and the content."""
    state = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    for content in contents:
        state.update(content)
    return state.hexdigest()
