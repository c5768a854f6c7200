"""Where a file is cut into pieces: every 4 MiB, and at the tensors of safetensors files."""

from __future__ import annotations

from array import array
from contextlib import suppress

from headstart.hub.store.header import PREFIX, Header, HeaderError, header_bytes, parsed
from headstart.hub.store.piece import LIMIT

LEAST = 16 * 2**10
"""Bytes of a tensor from which on it has pieces of its own; smaller neighbours share one."""
_LOOK = 8 * 2**20  # a longer header is not waited for: it would have to be held in memory


class Cutter:
    """Says, for a file's bytes as they come, how many go on the running piece.

    The cuts depend on the bytes alone, not on how they come. A header that lies is no error: such
    a file is cut every 4 MiB.
    """

    def __init__(self) -> None:
        self._at = self._in_piece = 0
        self._head: bytearray | None = bytearray()  # the file's first bytes, while they matter
        self._wanted = PREFIX + 1
        self._cuts = array("Q")
        self._next = 0

    def take(self, data: memoryview) -> tuple[int, bool]:
        """Return how many of ``data``'s bytes go on the running piece, and if that ends it.

        Args:
            data: At least one byte. What is not taken comes again in the next call.
        """
        taken = min(len(data), LIMIT - self._in_piece)
        if self._head is not None:
            taken = min(taken, self._wanted - self._at)
            self._head += data[:taken]
        elif self._next < len(self._cuts):
            taken = min(taken, self._cuts[self._next] - self._at)
        self._at += taken
        self._in_piece += taken
        if self._head is not None and self._at == self._wanted:
            self._look(self._head)
        ends = self._in_piece == LIMIT
        if self._next < len(self._cuts) and self._cuts[self._next] == self._at:
            self._next += 1
            ends = True
        if ends:
            self._in_piece = 0
        return taken, ends

    def _look(self, head: bytearray) -> None:
        if self._at == PREFIX + 1:
            length = header_bytes(bytes(head))
            if length is not None and length <= _LOOK:
                self._wanted = PREFIX + length
                return
        else:
            with suppress(HeaderError):
                self._cuts = cuts(parsed(head[PREFIX:]), self._at)
        self._head = None


def cuts(header: Header, start: int) -> array[int]:
    """Return where pieces must end: after the header, and around each tensor of 16 KiB or more.

    Args:
        header: What was read.
        start: Bytes from the file's begin to the first tensor.
    """
    found = array("Q", [start])
    for tensor in header.tensors:
        if tensor.end - tensor.begin >= LEAST:
            if found[-1] != start + tensor.begin:
                found.append(start + tensor.begin)
            found.append(start + tensor.end)
    return found
