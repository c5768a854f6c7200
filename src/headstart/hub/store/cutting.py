"""Where a file is cut into pieces: at its tensors, so that what did not change is stored once."""

from __future__ import annotations

from collections.abc import Iterator

from headstart.hub.store.header import PREFIX, Tensor, announced, tensors
from headstart.hub.store.model import PIECE

SMALL = 16 * 1024
"""Smaller tensors share a piece with their neighbours."""


class Cutter:
    """Tells, as a file comes in, how long the next piece is."""

    def __init__(self) -> None:
        self._lengths: Iterator[int] | None = None
        self._next = 0

    def take(self, waiting: bytearray, *, last: bool = False) -> bytes | None:
        """Take the next piece off the front of what waits; None until there is enough of it.

        Args:
            waiting: What has come in and is not cut yet.
            last: Whether nothing more will come.
        """
        if self._lengths is None:
            self._lengths = _lengths(waiting, last)
            if self._lengths is None:
                return None
            self._next = next(self._lengths)
        length = self._next if not last else min(self._next, len(waiting))
        if not length or len(waiting) < length:
            return None
        piece = bytes(memoryview(waiting)[:length])
        del waiting[:length]
        self._next = next(self._lengths)
        return piece


def _lengths(waiting: bytearray, last: bool) -> Iterator[int] | None:
    """Return the lengths of all pieces; None until enough has come to say."""
    if len(waiting) <= PREFIX:
        return plain() if last else None
    end = announced(bytes(waiting[: PREFIX + 1]))
    if end is None:
        return plain()
    if len(waiting) < end:
        return plain() if last else None
    found = tensors(bytes(waiting[PREFIX:end]))
    return plain() if found is None else by_tensor(end, found)


def plain() -> Iterator[int]:
    """Yield the lengths of the pieces of a file that nothing is known of."""
    while True:
        yield PIECE


def by_tensor(header: int, found: list[Tensor]) -> Iterator[int]:
    """Yield the lengths of the pieces of a safetensors file.

    Args:
        header: Bytes before the tensors.
        found: The tensors in order of their bytes.
    """
    yield from _split(header)
    together = 0
    for tensor in found:
        size = tensor.stop - tensor.start
        if size < SMALL and together + size <= PIECE:
            together += size
            continue
        yield from _split(together)
        together = 0
        if size < SMALL:
            together = size
        else:
            yield from _split(size)
    yield from _split(together)
    yield from plain()


def _split(size: int) -> Iterator[int]:
    while size > 0:
        yield min(size, PIECE)
        size -= PIECE
