"""How a piece is stored: as it is, compressed, or as its difference from another."""

from __future__ import annotations

from collections.abc import Callable

import zstandard
from blake3 import blake3

from headstart.hub.store.model import PIECE, DamagedError

MAGIC = b"HSP1"
RAW, PACKED, DIFFERENCE = 0, 1, 2
DEEPEST = 3
_HEAD = len(MAGIC) + 2  # encoding, width of a value
_NAME = 32
_LEVEL = 3
Fetch = Callable[[str, int], bytes]


def name_of(content: bytes) -> str:
    """Return the name of a piece: BLAKE3 of its content, 64 hex digits."""
    return blake3(content).hexdigest()


def raw(content: bytes) -> tuple[bytes, bytes]:
    """Return the stored form of content as it is: what goes before it, and itself."""
    return MAGIC + bytes((RAW, 1)), content


def packed(content: bytes, width: int) -> bytes:
    """Return the stored form of content, compressed.

    Args:
        content: The piece.
        width: Bytes a value: like bytes of values are put beside each other first.
    """
    return MAGIC + bytes((PACKED, width)) + _squeezed(content, width)


def difference(content: bytes, base: str, base_content: bytes, width: int) -> bytes:
    """Return the stored form of content as its difference from a base of the same length."""
    head = MAGIC + bytes((DIFFERENCE, width)) + bytes.fromhex(base)
    return head + _squeezed(_exclusive_or(content, base_content), width)


def base_of(stored: bytes) -> str | None:
    """Return the name of the piece that a stored one is a difference from, or None."""
    if stored[: len(MAGIC)] != MAGIC or stored[len(MAGIC)] != DIFFERENCE:
        return None
    return stored[_HEAD : _HEAD + _NAME].hex()


def content_of(name: str, stored: bytes, fetch: Fetch, depth: int = 0) -> bytes:
    """Return a piece's content, proved to be what its name says.

    Args:
        name: The piece's name.
        stored: Its stored form.
        fetch: Returns the content of another piece, by name and depth.
        depth: How many differences led here.

    Raises:
        DamagedError: It is not what its name says.
    """
    try:
        content = _decoded(stored, fetch, depth)
    except (ValueError, IndexError, zstandard.ZstdError, MemoryError) as error:
        raise damaged(name) from error
    if name_of(content) != name:
        raise damaged(name)
    return content


def damaged(name: str) -> DamagedError:
    """Return the error for a stored piece that is not what its name says."""
    return DamagedError(
        f"stored bytes are damaged: piece {name}", where=f"objects/{name[:2]}/{name}",
        mend="headstart hub fsck names the files that need it; push them again",
    )  # fmt: skip


def _decoded(stored: bytes, fetch: Fetch, depth: int) -> bytes:
    if stored[: len(MAGIC)] != MAGIC:
        raise ValueError("no piece")
    encoding, width = stored[len(MAGIC)], stored[len(MAGIC) + 1]
    if encoding == RAW:
        return stored[_HEAD:]
    if encoding == PACKED:
        return _expanded(stored[_HEAD:], width)
    if encoding != DIFFERENCE or depth > DEEPEST:
        raise ValueError("unknown encoding, or differences of differences")
    base = fetch(stored[_HEAD : _HEAD + _NAME].hex(), depth + 1)
    return _exclusive_or(_expanded(stored[_HEAD + _NAME :], width), base)


def _squeezed(content: bytes, width: int) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL).compress(_planes(content, width))


def _expanded(payload: bytes, width: int) -> bytes:
    found = zstandard.ZstdDecompressor().decompress(payload, max_output_size=PIECE)
    if len(found) > PIECE or width == 0:
        raise ValueError("too long")
    return _values(found, width)


def _planes(content: bytes, width: int) -> bytes:
    """Put first bytes of all values first, then second ones; what is left over comes last."""
    import numpy as np

    whole = len(content) - len(content) % width
    values = np.frombuffer(content, np.uint8, whole).reshape(-1, width)
    return values.T.tobytes() + content[whole:]


def _values(planes: bytes, width: int) -> bytes:
    import numpy as np

    whole = len(planes) - len(planes) % width
    return np.frombuffer(planes, np.uint8, whole).reshape(width, -1).T.tobytes() + planes[whole:]


def _exclusive_or(one: bytes, other: bytes) -> bytes:
    import numpy as np

    if len(one) != len(other):
        raise ValueError("lengths differ")
    return np.bitwise_xor(np.frombuffer(one, np.uint8), np.frombuffer(other, np.uint8)).tobytes()
