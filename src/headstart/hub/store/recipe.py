"""A recipe: of which pieces a file is made, in order; small files lie in it themselves.

Stored as: magic, kind, sha256, size, then the file's bytes or its pieces (name and length), then
the BLAKE3 of all that, so that no bit of it can change unseen.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from blake3 import blake3

from headstart.hub.store.model import INLINE, PIECE, DamagedError, Piece

MAGIC = b"HSR1"
_HEAD = struct.Struct("<4sB32sQ")
_PIECE = struct.Struct("<32sI")
_SEAL = 32
_INLINE, _PIECES = 0, 1


@dataclass(frozen=True)
class Recipe:
    """How a file is put together.

    Attributes:
        sha256: Of the file, 64 hex digits.
        size: Its bytes.
        inline: The file itself, if it is small; else None.
        pieces: Its pieces in order, if it is not.
    """

    sha256: str
    size: int
    inline: bytes | None
    pieces: tuple[Piece, ...]

    def stored(self) -> bytes:
        """Return the recipe as it is stored."""
        kind = _PIECES if self.inline is None else _INLINE
        head = _HEAD.pack(MAGIC, kind, bytes.fromhex(self.sha256), self.size)
        if self.inline is None:
            body = b"".join(_PIECE.pack(bytes.fromhex(p.name), p.length) for p in self.pieces)
        else:
            body = self.inline
        return head + body + blake3(head + body).digest()


def read(sha256: str, stored: bytes) -> Recipe:
    """Return the recipe of a file from its stored form.

    Raises:
        DamagedError: It is not what was stored, or another file's.
    """
    sealed, seal = stored[:-_SEAL], stored[-_SEAL:]
    if len(stored) < _HEAD.size + _SEAL or blake3(sealed).digest() != seal:
        raise _damaged(sha256)
    magic, kind, digest, size = _HEAD.unpack_from(sealed)
    body = sealed[_HEAD.size :]
    if magic != MAGIC or digest.hex() != sha256:
        raise _damaged(sha256)
    if kind == _INLINE:
        if len(body) != size or size > INLINE:
            raise _damaged(sha256)
        return Recipe(sha256, size, body, ())
    pieces = tuple(Piece(name.hex(), length) for name, length in _PIECE.iter_unpack(body))
    if sum(p.length for p in pieces) != size or any(not 0 < p.length <= PIECE for p in pieces):
        raise _damaged(sha256)
    return Recipe(sha256, size, None, pieces)


def _damaged(sha256: str) -> DamagedError:
    return DamagedError(
        f"stored bytes are damaged: the recipe of file {sha256}",
        where=f"files/{sha256[:2]}/{sha256}", mend="push the file again",
    )  # fmt: skip
