"""Xorbs: blocks of chunks, each behind a header of eight bytes, plain or compressed.

The specification: huggingface.co/docs/xet/xorb.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import lz4.frame
import numpy as np

from headstart.errors import RequestError
from headstart.hub.xet.hashing import chunk_hash, text_of, xorb_hash

HEADER = 8
LONGEST = 128 * 1024
MOST = 8 * 1024
BODY = 64 * 1024 * 1024 + MOST * HEADER
_PLAIN, _LZ4, _GROUPED = 0, 1, 2
_FOOTER = b"XETBLOB"


@dataclass(frozen=True)
class Chunk:
    """A chunk: its hash, its length, and where its stored bytes lie in the block as it came."""

    digest: bytes
    length: int
    start: int
    stop: int
    encoding: int


def parse(name: str, body: bytes) -> list[Chunk]:
    """Return the chunks of an uploaded block, once all of it is proved.

    Args:
        name: What the client calls it: the hash of its chunks, as text.
        body: The block.

    Raises:
        RequestError: It is none, or not the one that it is called.
    """
    if len(body) > BODY:
        raise _refused(f"it has more than {BODY >> 20} MiB")
    chunks = list(_chunks(body))
    if not chunks:
        raise _refused("it has no chunks")
    if text_of(xorb_hash([(one.digest, one.length) for one in chunks])) != name:
        raise _refused("its content is not what it is called after")
    return chunks


def content_of(chunk: Chunk, body: bytes) -> bytes:
    """Return a chunk's content from the block as it came.

    Raises:
        RequestError: It is damaged.
    """
    return _decoded(chunk.encoding, chunk.length, memoryview(body)[chunk.start : chunk.stop])


def plain_header(length: int) -> bytes:
    """Return the header of a chunk that is not compressed."""
    size = length.to_bytes(3, "little")
    return bytes(1) + size + bytes((_PLAIN,)) + size


def _chunks(body: bytes) -> Iterator[Chunk]:
    view, at, count = memoryview(body), 0, 0
    while at < len(body) and body[at : at + len(_FOOTER)] != _FOOTER:
        start = at + HEADER
        if start > len(body):
            raise _refused("it ends within a header")
        version, encoding = body[at], body[at + 4]
        stored = int.from_bytes(view[at + 1 : at + 4], "little")
        length = int.from_bytes(view[at + 5 : at + 8], "little")
        if version or encoding > _GROUPED:
            raise _refused("it is of a newer version")
        if not 0 < length <= LONGEST or stored > 2 * LONGEST or start + stored > len(body):
            raise _refused("a chunk's length cannot be")
        count += 1
        if count > MOST:
            raise _refused(f"it has more than {MOST:,} chunks")
        content = _decoded(encoding, length, view[start : start + stored])
        yield Chunk(chunk_hash(content), length, start, start + stored, encoding)
        at = start + stored


def _decoded(encoding: int, length: int, stored: memoryview) -> bytes:
    if encoding == _PLAIN:
        content = bytes(stored)
    else:
        try:
            content = lz4.frame.LZ4FrameDecompressor().decompress(stored, max_length=length + 1)
        except RuntimeError:
            raise _refused("a chunk cannot be decompressed") from None
    if len(content) != length:
        raise _refused("a chunk's length lies")
    return _ungrouped(content) if encoding == _GROUPED else content


def _ungrouped(content: bytes) -> bytes:
    """Put first, second, third and fourth bytes back where they were."""
    grouped = np.frombuffer(content, np.uint8)
    found = np.empty_like(grouped)
    at = 0
    for place in range(4):
        part = found[place::4]
        part[:] = grouped[at : at + len(part)]
        at += len(part)
    return found.tobytes()


def _refused(why: str) -> RequestError:
    return RequestError(f"the block (xorb) cannot be taken: {why}")
