"""How a file lies in the depot: the pieces that make it up, or, when small, its bytes."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from blake3 import blake3

from headstart.hub.store.model import Content, Damaged, Piece
from headstart.hub.store.piece import LIMIT

INLINE = 64 * 2**10
"""Bytes up to which a file lies in its recipe."""

_NAME = re.compile(r"[0-9a-f]{64}")
_HEAD = struct.Struct("<4s32sQ?20s?")  # magic, sha256, size, has an oid, oid, lies here itself
_PIECE = struct.Struct("<32sI")
_MAGIC = b"hsr\x01"
_CHECKSUM = 32


@dataclass(frozen=True)
class Recipe:
    """What is kept of a file; ``inline`` is its bytes, and then there are no pieces."""

    content: Content
    pieces: tuple[Piece, ...] = ()
    inline: bytes | None = None


def is_sha256(name: str) -> bool:
    """Return whether ``name`` can name a file."""
    return _NAME.fullmatch(name) is not None


def key_of(sha256: str) -> str:
    """Return where the recipe of a file lies."""
    return f"files/{sha256[:2]}/{sha256}"


def packed(recipe: Recipe) -> bytes:
    """Return a recipe as it is stored, its BLAKE3 at the end."""
    content = recipe.content
    head = _HEAD.pack(
        _MAGIC,
        bytes.fromhex(content.sha256),
        content.size,
        content.oid is not None,
        bytes.fromhex(content.oid or ""),
        recipe.inline is not None,
    )
    body = recipe.inline
    if body is None:
        body = b"".join(_PIECE.pack(bytes.fromhex(p.name), p.size) for p in recipe.pieces)
    return head + body + blake3(head + body).digest()


def unpacked(stored: bytes, sha256: str) -> Recipe:
    """Return the recipe of the file ``sha256`` from what is stored.

    Raises:
        Damaged: These are not the bytes that were put for this file.
    """
    key = key_of(sha256)
    view = memoryview(stored)
    if len(stored) < _HEAD.size + _CHECKSUM or stored[:4] != _MAGIC:
        raise Damaged(key, "it does not begin as a recipe does")
    if blake3(view[:-_CHECKSUM]).digest() != view[-_CHECKSUM:]:
        raise Damaged(key, "its checksum is wrong")
    _, digest, size, has_oid, oid, here = _HEAD.unpack_from(stored)
    if digest.hex() != sha256:
        raise Damaged(key, "it is the recipe of another file")
    content = Content(sha256, size, oid.hex() if has_oid else None)
    body = view[_HEAD.size : -_CHECKSUM]
    if here:
        if len(body) != size:
            raise Damaged(key, "it holds another number of bytes than it says")
        return Recipe(content, inline=bytes(body))
    if len(body) % _PIECE.size:
        raise Damaged(key, "its list of pieces is cut short")
    pieces = tuple(Piece(name.hex(), length) for name, length in _PIECE.iter_unpack(body))
    if sum(p.size for p in pieces) != size or not all(0 < p.size <= LIMIT for p in pieces):
        raise Damaged(key, "its pieces do not add up to the file")
    return Recipe(content, pieces)
