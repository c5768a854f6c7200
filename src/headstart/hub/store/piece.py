"""How one piece lies in the depot: an encoding and a payload, named by what they decode to.

A stored piece is four bytes of magic, one of encoding, and

- encoding 0: the content, as older hubs wrote it;
- encoding 1: checksum (16 bytes, BLAKE3 of what follows), width, planes (`headstart.hub.store.
  planes`);
- encoding 2: checksum, width, the name of another piece (32 bytes), planes of the difference from
  that;
- encoding 3: a checksum (16 bytes, XXH3 of the content, seeded by the name) and the content.

The name is a BLAKE3, worked out before a piece is written. To work it out again whenever a piece is
sent takes longer than to send it, so that readers go by the checksum, which tells damage and
mistaken places as surely; `prove` goes by the name, which nobody can forge.
"""

from __future__ import annotations

from collections.abc import Callable

from blake3 import blake3
from xxhash import xxh3_128_digest

from headstart.hub.store.model import Damaged
from headstart.hub.store.planes import WIDTHS, spread, squeezed

LIMIT = 4 * 2**20
"""Bytes of content that a piece has at most."""

_MAGIC = b"hsp\x01"
_BARE, _PLANES, _DIFFERENCE, _RAW = 0, 1, 2, 3
_HEAD, _SUM, _NAME = 5, 16, 32
_WIDTH = _HEAD + _SUM
_BASE = _WIDTH + 1
_SEED = 8


def name_of(content: bytes | memoryview) -> str:
    """Return the name of a piece with this content, 64 hex digits."""
    return blake3(content).hexdigest()


def key_of(name: str) -> str:
    """Return where the piece ``name`` lies."""
    return f"objects/{name[:2]}/{name}"


def raw(name: str, content: bytes | memoryview) -> tuple[bytes, bytes | memoryview]:
    """Return the parts of the stored piece ``name`` that holds ``content`` as it is."""
    return _MAGIC + bytes([_RAW]) + _quick_sum(name, content), content


def planes(content: bytes | memoryview, width: int) -> bytes:
    """Return a stored piece that holds ``content``, numbers of ``width`` bytes, as planes."""
    return _checked(_PLANES, bytes([width]) + squeezed(content, None, width))


def difference(
    content: bytes | memoryview, base: bytes | memoryview, base_name: str, width: int
) -> bytes:
    """Return a stored piece that holds what ``content`` has other than the piece ``base``."""
    head = bytes([width]) + bytes.fromhex(base_name)
    return _checked(_DIFFERENCE, head + squeezed(content, base, width))


def base_of(stored: bytes) -> str | None:
    """Return the piece that a stored piece is a difference from; None if it stands alone."""
    if stored[:_HEAD] != _MAGIC + bytes([_DIFFERENCE]):
        return None
    return stored[_BASE : _BASE + _NAME].hex()


def is_raw(stored: bytes) -> bool:
    """Return whether a stored piece holds its content as it is."""
    return stored[:_HEAD] in (_MAGIC + bytes([_RAW]), _MAGIC + bytes([_BARE]))


def decoded(stored: bytes, name: str, base: Callable[[str], memoryview]) -> memoryview:
    """Return the content of a stored piece, its checksum verified.

    Args:
        stored: What lies in the depot.
        name: What the content must be.
        base: Gives the verified content of another piece by its name.

    Raises:
        Damaged: These are not the bytes that were put under this name.
    """
    key, view = key_of(name), memoryview(stored)
    if stored[:4] != _MAGIC or len(stored) <= _HEAD:
        raise Damaged(key, "it does not begin as a piece does")
    if stored[4] == _RAW:
        content = view[_WIDTH:]
        if _quick_sum(name, content) != view[_HEAD:_WIDTH]:
            raise Damaged(key, "its checksum is wrong")
    else:
        content = view[_HEAD:] if stored[4] == _BARE else _unsqueezed(view, key, base)
        prove(content, name)
    if not 0 < len(content) <= LIMIT:
        raise Damaged(key, "it is longer than a piece, or empty")
    return content


def prove(content: memoryview, name: str) -> None:
    """Verify that a piece's content is what its name says; raises as :func:`decoded` does."""
    if name_of(content) != name:
        raise Damaged(key_of(name), "its content has another hash than its name")


def _unsqueezed(view: memoryview, key: str, base: Callable[[str], memoryview]) -> memoryview:
    encoding = view[4]
    if encoding not in (_PLANES, _DIFFERENCE):
        raise Damaged(key, f"its encoding {encoding} is unknown")
    start = _BASE if encoding == _PLANES else _BASE + _NAME
    if len(view) <= start or _sum(view[_WIDTH:]) != view[_HEAD:_WIDTH]:
        raise Damaged(key, "its checksum is wrong")
    width = view[_WIDTH]
    if width not in WIDTHS:
        raise Damaged(key, "its numbers have an impossible width")
    other = None if encoding == _PLANES else base(view[_BASE:start].hex())
    try:
        return spread(view[start:], other, width, LIMIT)
    except ValueError as error:
        raise Damaged(key, f"it cannot be unpacked: {error}") from error


def _checked(encoding: int, payload: bytes) -> bytes:
    return _MAGIC + bytes([encoding]) + _sum(payload) + payload


def _quick_sum(name: str, content: bytes | memoryview) -> bytes:
    return xxh3_128_digest(content, seed=int(name[: 2 * _SEED], 16))


def _sum(payload: bytes | memoryview) -> bytes:
    return blake3(payload).digest(_SUM)
