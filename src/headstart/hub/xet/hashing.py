"""The hashes of Xet: of chunks, of blocks of them (xorbs), of files, and how they are written.

The specification: huggingface.co/docs/xet/hashing.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from blake3 import blake3

SIZE = 32
_CHUNK_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
_NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
_FILE_KEY = bytes(SIZE)
_WORDS = struct.Struct("<4Q")
_BRANCHES = 4
_WIDEST = 2 * _BRANCHES + 1

Node = tuple[bytes, int]
"""A hash and the length of what it stands for, bytes."""


def chunk_hash(data: bytes | memoryview) -> bytes:
    """Return the hash of a chunk's content."""
    return blake3(data, key=_CHUNK_KEY).digest()


def xorb_hash(chunks: Sequence[Node]) -> bytes:
    """Return the hash of a block: the root of the tree over its chunks."""
    if not chunks:
        return bytes(SIZE)
    level = list(chunks)
    while len(level) > 1:
        level = _merged(level)
    return level[0][0]


def file_hash(chunks: Sequence[Node]) -> bytes:
    """Return the hash of a file: its tree's root, hashed once more."""
    return blake3(xorb_hash(chunks), key=_FILE_KEY).digest() if chunks else bytes(SIZE)


def text_of(digest: bytes) -> str:
    """Return a hash as the protocol writes it: four little-endian words in hex."""
    return "".join(f"{word:016x}" for word in _WORDS.unpack(digest))


def digest_of(text: str) -> bytes:
    """Return the hash that a text stands for.

    Raises:
        ValueError: It stands for none.
    """
    if len(text) != 2 * SIZE or not text.isascii():
        raise ValueError("a hash has 64 hex digits")
    return _WORDS.pack(*(int(text[start : start + 16], 16) for start in range(0, 64, 16)))


def _merged(level: list[Node]) -> list[Node]:
    found: list[Node] = []
    start = 0
    while start < len(level):
        stop = start + _cut(level, start)
        group = level[start:stop]
        lines = "".join(f"{text_of(digest)} : {length}\n" for digest, length in group)
        digest = blake3(lines.encode("ascii"), key=_NODE_KEY).digest()
        found.append((digest, sum(length for _, length in group)))
        start = stop
    return found


def _cut(level: list[Node], start: int) -> int:
    """Return how many nodes get one parent: at least two, at most nine, by their own hashes."""
    left = len(level) - start
    end = min(_WIDEST, left)
    for place in range(2, end):
        if level[start + place][0][24] % _BRANCHES == 0:  # the last word's lowest bits
            return place + 1
    return end
