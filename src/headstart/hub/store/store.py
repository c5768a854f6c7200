"""The store: files by their sha256, kept as pieces by their content, verified on every way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TypeAlias

from headstart.hub.store import piece, recipe
from headstart.hub.store.cutting import Cutter
from headstart.hub.store.depot import Depot
from headstart.hub.store.model import (
    GRACE_SECONDS,
    INLINE,
    Content,
    DamagedError,
    MismatchError,
    MissingError,
    Piece,
)
from headstart.hub.store.recipe import Recipe

Buffer: TypeAlias = bytes | bytearray | memoryview
OBJECTS, FILES = "objects", "files"


def object_key(name: str) -> str:
    """Return where a piece lies."""
    return f"{OBJECTS}/{name[:2]}/{name}"


def file_key(sha256: str) -> str:
    """Return where a file's recipe lies."""
    return f"{FILES}/{sha256[:2]}/{sha256}"


class Store:
    """Files over a depot. Safe for many threads and processes.

    Args:
        depot: Where objects lie.
        grace_seconds: How long what nobody needs is kept at least.
    """

    def __init__(self, depot: Depot, grace_seconds: float = GRACE_SECONDS) -> None:
        self.depot, self.grace_seconds = depot, grace_seconds

    def writer(self, *, sha256: str | None = None, size: int | None = None) -> Writer:
        """Return a writer for a file of which this much is announced."""
        return Writer(self, sha256, size)

    def add(
        self, chunks: Iterable[Buffer], *, sha256: str | None = None, size: int | None = None
    ) -> Content:
        """Keep a file.

        Raises:
            MismatchError: It is not what was announced; nothing is kept.
            UnwritableError: There is no room; nothing is kept.
        """
        with self.writer(sha256=sha256, size=size) as writer:
            for chunk in chunks:
                writer.write(chunk)
            return writer.close()

    def content(self, sha256: str) -> Content | None:
        """Return what is known of a file; None if it is not kept.

        Raises:
            DamagedError: Its recipe is not what was stored.
        """
        try:
            found = self.recipe(sha256)
        except MissingError:
            return None
        return Content(found.sha256, found.size)

    def read(self, sha256: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield a file's bytes from ``start`` to before ``stop``, each piece proved first.

        Raises:
            MissingError: Nothing is kept under this name.
            DamagedError: What is stored is not what its name says; nothing of it is yielded.
        """
        found = self.recipe(sha256)
        stop = found.size if stop is None else min(stop, found.size)
        if found.inline is not None:
            if hashlib.sha256(found.inline).hexdigest() != sha256:
                raise DamagedError(f"stored bytes are damaged: file {sha256}")
            yield found.inline[start:stop]
            return
        at = 0
        for one in found.pieces:
            if at >= stop:
                return
            if at + one.length > start:
                content = self.piece(one.name)
                if len(content) != one.length:
                    raise piece.damaged(one.name)
                yield content[max(0, start - at) : stop - at]
            at += one.length

    def recipe(self, sha256: str) -> Recipe:
        """Return how a file is put together.

        Raises:
            MissingError: Nothing is kept under this name.
            DamagedError: The recipe is not what was stored.
        """
        if len(sha256) != hashlib.sha256().digest_size * 2 or not sha256.isalnum():
            raise MissingError("no file is called so", where=sha256[:100])
        try:
            stored = self.depot.get(file_key(sha256))
        except KeyError:
            raise MissingError("no such file is kept", where=sha256) from None
        return recipe.read(sha256, stored)

    def piece(self, name: str, depth: int = 0) -> bytes:
        """Return a piece's content, proved.

        Raises:
            DamagedError: It is missing, or not what its name says.
        """
        try:
            stored = self.depot.get(object_key(name))
        except KeyError:
            raise DamagedError(
                f"stored bytes are missing: piece {name}", where=object_key(name)
            ) from None
        return piece.content_of(name, stored, self.piece, depth)

    def keep_piece(self, content: bytes) -> Piece:
        """Keep a piece, once; one that has grown old begins anew, so that no sweep takes it."""
        name = piece.name_of(content)
        age = self.depot.age(object_key(name))
        if age is None or age > self.grace_seconds / 2:
            self.depot.put(object_key(name), *piece.raw(content))
        return Piece(name, len(content))


class Writer:
    """Takes a file as it comes, in bounded memory; only :meth:`close` makes it visible."""

    def __init__(self, store: Store, sha256: str | None, size: int | None) -> None:
        self._store, self._sha256, self._size = store, sha256, size
        self._hash, self._taken = hashlib.sha256(), 0
        self._waiting, self._cutter = bytearray(), Cutter()
        self._pieces: list[Piece] = []

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._waiting.clear()

    def write(self, data: Buffer) -> None:
        """Take the next bytes.

        Raises:
            MismatchError: More come than were announced.
            UnwritableError: There is no room.
        """
        view = memoryview(data)
        self._taken += view.nbytes
        if self._size is not None and self._taken > self._size:
            raise MismatchError(f"more than the {self._size:,} bytes that were announced came")
        self._hash.update(view)
        self._waiting += view
        if self._taken > INLINE:
            self._cut()

    def close(self) -> Content:
        """Keep the file if it is what was announced.

        Raises:
            MismatchError: It is not; nothing is kept.
            UnwritableError: There is no room; nothing is kept.
        """
        if self._size is not None and self._taken != self._size:
            raise MismatchError(f"{self._taken:,} bytes came, {self._size:,} were announced")
        sha256 = self._hash.hexdigest()
        if self._sha256 is not None and sha256 != self._sha256:
            raise MismatchError(
                f"the content's sha256 is {sha256}, {self._sha256} was announced",
                mend="it was damaged on its way, or the announcement is wrong: send it again",
            )
        inline = bytes(self._waiting) if self._taken <= INLINE else None
        if inline is None:
            self._cut(last=True)
        made = Recipe(sha256, self._taken, inline, tuple(self._pieces))
        self._store.depot.put(file_key(sha256), made.stored())
        return Content(sha256, self._taken)

    def _cut(self, *, last: bool = False) -> None:
        while (content := self._cutter.take(self._waiting, last=last)) is not None:
            self._pieces.append(self._store.keep_piece(content))
