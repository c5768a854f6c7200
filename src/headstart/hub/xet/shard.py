"""Shards: of which ranges of which blocks files are made.

The specification: huggingface.co/docs/xet/shard. Entries have 48 bytes; a section ends with one
whose hash is all ones.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from headstart.errors import RequestError
from headstart.hub.xet.hashing import SIZE, text_of

_TAG = b"HFRepoMetaData\0" + bytes(
    (85, 105, 103, 69, 106, 123, 129, 87, 131, 165, 189, 217, 92, 205, 209, 74, 169)
)
_HEAD = struct.Struct("<32sQQ")
_ENTRY = struct.Struct("<32sIIII")
_VERSION = 2
_END = b"\xff" * SIZE
_VERIFIED, _WITH_SHA256 = 1 << 31, 1 << 30
MOST = 4096
"""Files a shard."""


@dataclass(frozen=True)
class Term:
    """A run of chunks of a block: from ``start`` to before ``end``, ``length`` bytes in all."""

    xorb: str
    start: int
    end: int
    length: int


@dataclass(frozen=True)
class Told:
    """A file as a shard tells of it."""

    name: str
    sha256: str
    terms: tuple[Term, ...]

    @property
    def size(self) -> int:
        """Its bytes, as told."""
        return sum(term.length for term in self.terms)


def parse(body: bytes) -> list[Told]:
    """Return the files that a shard tells of.

    Raises:
        RequestError: It is none, or tells what cannot be.
    """
    if len(body) < _HEAD.size or body[:SIZE] != _TAG:
        raise _refused("it is none")
    if _HEAD.unpack_from(body)[1] != _VERSION:
        raise _refused("it is of another version")
    reader = _Reader(body, _HEAD.size)
    found: list[Told] = []
    while (entry := reader.take())[0] != _END:
        if len(found) >= MOST:
            raise _refused(f"it has more than {MOST:,} files")
        found.append(_file(reader, entry))
    return found


class _Reader:
    def __init__(self, body: bytes, at: int) -> None:
        self._body, self._at = body, at

    def take(self) -> tuple[bytes, int, int, int, int]:
        if self._at + _ENTRY.size > len(self._body):
            raise _refused("it ends too soon")
        entry = _ENTRY.unpack_from(self._body, self._at)
        self._at += _ENTRY.size
        return entry

    def has(self, entries: int) -> bool:
        return self._at + entries * _ENTRY.size <= len(self._body)


def _file(reader: _Reader, entry: tuple[bytes, int, int, int, int]) -> Told:
    digest, flags, count, _, _ = entry
    if not count or not reader.has(count):
        raise _refused("it names more ranges than it has")
    terms = tuple(_term(reader.take()) for _ in range(count))
    if flags & _VERIFIED:
        for _ in range(count):
            reader.take()  # hashes of the ranges: all content is proved anyway
    if not flags & _WITH_SHA256:
        raise _refused("a file comes without its sha256")
    return Told(text_of(digest), text_of(reader.take()[0]), terms)


def _term(entry: tuple[bytes, int, int, int, int]) -> Term:
    digest, _, length, start, end = entry
    if start >= end or not length:
        raise _refused("a range is empty")
    return Term(text_of(digest), start, end, length)


def _refused(why: str) -> RequestError:
    return RequestError(f"the shard cannot be taken: {why}")
