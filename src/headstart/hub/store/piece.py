"""How one piece lies in the depot: an encoding and a payload, named by what they decode to."""

from __future__ import annotations

from blake3 import blake3

from headstart.hub.store.model import Damaged

LIMIT = 4 * 2**20
"""Bytes of content that a piece has at most."""

_MAGIC = b"hsp\x01"
_RAW = 0


def name_of(content: bytes | memoryview) -> str:
    """Return the name of a piece with this content, 64 hex digits."""
    return blake3(content).hexdigest()


def key_of(name: str) -> str:
    """Return where the piece ``name`` lies."""
    return f"objects/{name[:2]}/{name}"


def raw(content: bytes | memoryview) -> tuple[bytes, bytes | memoryview]:
    """Return the parts of a stored piece that holds ``content`` as it is."""
    return _MAGIC + bytes([_RAW]), content


def decoded(stored: bytes, name: str) -> memoryview:
    """Return the content of a stored piece, verified.

    Raises:
        Damaged: These are not the bytes that were put under this name.
    """
    key = key_of(name)
    if stored[:4] != _MAGIC or len(stored) < 5:
        raise Damaged(key, "it does not begin as a piece does")
    if stored[4] != _RAW:
        raise Damaged(key, f"its encoding {stored[4]} is unknown")
    content = memoryview(stored)[5:]
    if name_of(content) != name:
        raise Damaged(key, "its content has another hash than its name")
    return content
