"""What is known of kept bytes, and what may be wrong with them."""

from __future__ import annotations

from dataclasses import dataclass

from headstart.errors import RequestError, WorkError

PIECE = 4 * 1024 * 1024
"""The longest piece, bytes: what is read and verified at once."""

INLINE = 64 * 1024
"""Files up to this size lie in their recipe itself."""

GRACE_SECONDS = 28 * 86_400.0
"""How long what nobody needs is kept: clients remember for three weeks what they uploaded."""


@dataclass(frozen=True)
class Content:
    """A file's bytes, as they are known once kept.

    Attributes:
        sha256: Of all of them, 64 hex digits.
        size: How many they are.
    """

    sha256: str
    size: int


@dataclass(frozen=True)
class Piece:
    """A part of a file: the BLAKE3 of its content (64 hex digits), and its length in bytes."""

    name: str
    length: int


class MismatchError(RequestError):
    """What came is not what was announced: another size, or another sha256."""


class MissingError(WorkError):
    """Nothing is kept under a name."""


class DamagedError(WorkError):
    """Stored bytes are not what their name says. They are never given out."""
