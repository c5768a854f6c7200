"""The store: files by their sha256, in pieces that are kept once and verified whenever read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from headstart.errors import RequestError
from headstart.hub.store import piece as pieces
from headstart.hub.store import recipe as recipes
from headstart.hub.store.depot import Depot, Staged
from headstart.hub.store.model import GRACE_SECONDS, Content, Damaged, Missing, Piece
from headstart.hub.store.recipe import Recipe
from headstart.hub.store.writer import Writer

DEEPEST = 16
"""Differences from differences that are followed; packing makes one, racing processes a few."""


class Store:
    """Files over a depot; safe for many threads and processes at once.

    Args:
        depot: Where the objects lie.
        grace_seconds: What is younger is never swept. What is used again and older than half of
            it is made young.
    """

    def __init__(self, depot: Depot, grace_seconds: float = GRACE_SECONDS) -> None:
        self.depot, self.grace_seconds = depot, grace_seconds

    def writer(self, *, sha256: str | None = None, size: int | None = None) -> Writer:
        """Return a writer for one file, which must turn out as announced.

        Raises:
            RequestError: ``sha256`` is none, or ``size`` below zero.
        """
        if sha256 is not None and not recipes.is_sha256(sha256):
            raise RequestError("a sha256 is 64 hex digits, lower case", where=repr(sha256[:80]))
        if size is not None and size < 0:
            raise RequestError("a size is zero or more", where=str(size))
        return Writer(self, sha256, size)

    def add(
        self,
        chunks: Iterable[bytes | bytearray | memoryview],
        *,
        sha256: str | None = None,
        size: int | None = None,
    ) -> Content:
        """Keep a file that comes in ``chunks`` and return its names; raises as `Writer` does."""
        with self.writer(sha256=sha256, size=size) as writer:
            for chunk in chunks:
                writer.write(chunk)
            return writer.close()

    def content(self, sha256: str) -> Content | None:
        """Return what is known of a file; None if it is not kept.

        Raises:
            Damaged: What is stored of it is broken.
        """
        try:
            return self.recipe(sha256).content
        except Missing:
            return None

    def read(
        self, sha256: str, start: int = 0, stop: int | None = None
    ) -> Iterator[bytes | memoryview]:
        """Give the bytes ``start`` to ``stop`` of a file, as slices do, at most 4 MiB at a time.

        All that is given out is verified. The first of these errors comes before the first byte
        where the recipe is the cause, and else before the piece that is broken.

        Raises:
            Missing: No such file is kept.
            Damaged: What is stored is broken.
            ValueError: ``start`` or ``stop`` is below zero.
        """
        if start < 0 or (stop is not None and stop < 0):
            raise ValueError("a range begins and ends at zero or above")
        recipe = self.recipe(sha256)
        stop = recipe.content.size if stop is None else min(stop, recipe.content.size)
        return self._range(recipe, start, stop)

    def pieces(self, sha256: str) -> list[Piece]:
        """Return the pieces of a file in order; none if it lies in its recipe.

        Raises:
            Missing: No such file is kept.
            Damaged: What is stored of it is broken.
        """
        return list(self.recipe(sha256).pieces)

    def recipe(self, sha256: str) -> Recipe:
        """Return how a file is kept, verified; raises as `pieces` does."""
        key = recipes.key_of(sha256)
        try:
            if not recipes.is_sha256(sha256):
                raise KeyError(key)
            stored = self.depot.get(key)
        except KeyError:
            raise Missing(
                "no such file is kept", where=sha256, mend="push the file; `hub fsck` looks for it"
            ) from None
        except OSError as error:
            raise Damaged(key, f"it cannot be read: {error.strerror or error}") from error
        return recipes.unpacked(stored, sha256)

    def piece(self, name: str) -> memoryview:
        """Return the content of a piece, its checksum verified.

        Raises:
            Damaged: It, or one that it is a difference from, is broken, or not there though a
                file needs it; the error's key says which.
        """
        return self._piece(name, 0)

    def proved(self, name: str) -> memoryview:
        """Return the content of a piece, worked out to be what its name says; raises as `piece`."""
        content = self.piece(name)
        pieces.prove(content, name)
        return content

    def stored(self, name: str) -> bytes:
        """Return a piece as it lies in the depot, not verified; raises as `piece` does."""
        key = pieces.key_of(name)
        try:
            return self.depot.get(key)
        except KeyError:
            raise Damaged(key, "it is not there, though a file needs it") from None
        except OSError as error:
            raise Damaged(key, f"it cannot be read: {error.strerror or error}") from error

    def has(self, name: str) -> bool:
        """Return whether a piece is kept and whole; make it young if it was old.

        It is read for that: a file that is pushed again repairs what was broken.
        """
        age = self.depot.age(pieces.key_of(name))
        if age is None:
            return False
        try:
            self.proved(name)
            self._renew(name, age)
        except Damaged:
            return False
        return True

    def renew(self, sha256: str) -> Content | None:
        """Return what is known of a file whose pieces are all there, and make them young.

        To be asked before a client is told that it need not send a file: until the grace period is
        over no sweep takes it, whether something speaks of it or not.

        Returns:
            None where the file is not kept, or not whole, and should be sent again.
        """
        try:
            recipe = self.recipe(sha256)
            for piece in recipe.pieces:
                self._renew(piece.name, self.depot.age(pieces.key_of(piece.name)))
        except (Missing, Damaged):
            return None
        self.show(recipe)
        return recipe.content

    def stage(self, name: str, content: bytes | memoryview) -> Staged | None:
        """Write a piece that is to be kept; None if the store has it, whole."""
        if self.has(name):
            return None
        return self.depot.stage(pieces.key_of(name), *pieces.raw(name, content))

    def show(self, recipe: Recipe) -> None:
        """Make a file visible whose pieces are kept, or, if it is, make it young."""
        key, stored = recipes.key_of(recipe.content.sha256), recipes.packed(recipe)
        age = self.depot.age(key)
        with suppress(KeyError, OSError):
            if age is not None and not self.is_old(age) and self.depot.get(key) == stored:
                return
        self.depot.renew(key, stored)

    def is_old(self, age: float) -> bool:
        """Return whether what is used again must be made young, so that no sweep can take it."""
        return age > self.grace_seconds / 2

    def _piece(self, name: str, depth: int) -> memoryview:
        if depth > DEEPEST:
            raise Damaged(pieces.key_of(name), "it is a difference from itself")
        return pieces.decoded(self.stored(name), name, lambda base: self._piece(base, depth + 1))

    def _renew(self, name: str, age: float | None) -> None:
        """Make a piece young if it is old, and before it the one it is a difference from."""
        if age is not None and not self.is_old(age):
            return
        stored = self.stored(name)
        pieces.decoded(stored, name, self.piece)
        base = pieces.base_of(stored)
        if base is not None:
            self._renew(base, self.depot.age(pieces.key_of(base)))
        self.depot.renew(pieces.key_of(name), stored)

    def _range(self, recipe: Recipe, start: int, stop: int) -> Iterator[bytes | memoryview]:
        if recipe.inline is not None:
            if start < stop:
                yield recipe.inline[start:stop]
            return
        begin = 0
        for piece in recipe.pieces:
            end = begin + piece.size
            if start < end and begin < stop:
                content = self.piece(piece.name)
                if len(content) != piece.size:
                    raise Damaged(recipes.key_of(recipe.content.sha256), "a piece's size is wrong")
                yield content[max(start - begin, 0) : stop - begin]  # not copied: half of all work
            if end >= stop:
                return
            begin = end
