"""The store: files by their sha256, in pieces that are kept once and verified whenever read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from headstart.hub.store import piece as pieces
from headstart.hub.store import recipe as recipes
from headstart.hub.store.depot import Depot, Staged
from headstart.hub.store.model import GRACE_SECONDS, Content, Damaged, Missing, Piece
from headstart.hub.store.recipe import Recipe
from headstart.hub.store.writer import Writer


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

    def read(self, sha256: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
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
        """Return the content of a piece, verified.

        Raises:
            Damaged: It is broken, or not there, though a file needs it.
        """
        key = pieces.key_of(name)
        try:
            stored = self.depot.get(key)
        except KeyError:
            raise Damaged(key, "it is not there, though a file needs it") from None
        except OSError as error:
            raise Damaged(key, f"it cannot be read: {error.strerror or error}") from error
        return pieces.decoded(stored, name)

    def stage(self, name: str, content: bytes | memoryview) -> Staged | None:
        """Write a piece that is to be kept; None if the store has it, whole."""
        if self.has(name):
            return None
        return self.depot.stage(pieces.key_of(name), *pieces.raw(content))

    def has(self, name: str) -> bool:
        """Return whether a piece is kept and whole, and make it young if it was old.

        It is read for that: a file that is pushed again repairs what was broken.
        """
        key = pieces.key_of(name)
        age = self.depot.age(key)
        if age is None:
            return False
        try:
            stored = self.depot.get(key)
            pieces.decoded(stored, name)
        except (KeyError, OSError, Damaged):
            return False
        if age > self.grace_seconds / 2:
            self.depot.put(key, stored)
        return True

    def _range(self, recipe: Recipe, start: int, stop: int) -> Iterator[bytes]:
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
                yield bytes(content[max(start - begin, 0) : stop - begin])
            if end >= stop:
                return
            begin = end
