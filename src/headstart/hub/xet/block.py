"""A block of chunks, as it is known: what is in it, and where its chunks lie in files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from headstart.hub.xet.xorb import HEADER, Chunk


@dataclass(frozen=True)
class Place:
    """Where a chunk lies: from ``offset`` on in a file."""

    sha256: str
    offset: int


@dataclass(frozen=True)
class Block:
    """A block, by its name: its chunks, and the places of those that files are made of."""

    name: str
    chunks: tuple[Chunk, ...]
    places: Mapping[int, Place]
    files: tuple[str, ...]

    @classmethod
    def of(
        cls, name: str, chunks: tuple[Chunk, ...], told: Sequence[tuple[str, Mapping[int, int]]]
    ) -> Block:
        """Return a block of which these files tell where its chunks lie in them."""
        places = {
            number: Place(sha256, offset)
            for sha256, found in told
            for number, offset in found.items()
            if 0 <= number < len(chunks)
        }
        return cls(name, chunks, places, tuple(sha256 for sha256, _ in told))

    @property
    def placed(self) -> bool:
        """Whether all its chunks lie in files."""
        return len(self.places) == len(self.chunks)

    @cached_property
    def _offsets(self) -> list[int]:
        lengths = (HEADER + one.length for one in self.chunks)
        return list(accumulate(lengths, initial=0))

    def offset(self, chunk: int) -> int:
        """Return where a chunk begins in the block's plain form."""
        return self._offsets[chunk]

    def around(self, first: int, last: int) -> tuple[int, int]:
        """Return the chunks (the last one excluded) in which these bytes of it lie."""
        start = bisect_right(self._offsets, first) - 1
        end = bisect_right(self._offsets, last)
        return start, min(end, len(self.chunks))

    def within(self, start: int, end: int, first: int, last: int) -> tuple[int, int, int]:
        """Return the chunks among these that hold some bytes of them, and what comes before.

        Args:
            start: First chunk.
            end: One past the last chunk.
            first: First byte wanted, counted over the chunks' contents.
            last: One past the last byte wanted.
        """
        kept: list[int] = []
        at = before = 0
        for number in range(start, end):
            length = self.chunks[number].length
            if at < last and at + length > first:
                before = at if not kept else before
                kept.append(number)
            at += length
        return kept[0], kept[-1] + 1, before

    def together(self, start: int, end: int) -> int:
        """Return up to where chunks follow each other in one file, or lie in none."""
        number, place = start, self.places.get(start)
        if place is None:
            while number < end and number not in self.places:
                number += 1
            return number
        expected = place.offset
        while number < end and self.places.get(number) == Place(place.sha256, expected):
            expected += self.chunks[number].length
            number += 1
        return number
