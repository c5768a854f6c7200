"""Make a kept file smaller: its changed tensors become differences from those of its base."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from headstart.hub.store import piece as pieces
from headstart.hub.store.header import PREFIX, HeaderError, Tensor, header_bytes, parsed
from headstart.hub.store.links import is_base, link
from headstart.hub.store.model import Piece
from headstart.hub.store.store import Store

_WORTH_BYTES = 4096  # what a file system gives out at least: saving less saves nothing
_WORTH_SHARE = 1 / 32  # of what is stored; less does not pay for the slower reads
_Tensors = dict[str, tuple[Tensor, list[Piece]]]


def pack(store: Store, sha256: str, base_sha256: str | None = None) -> int:
    """Store a safetensors file's pieces smaller where that is possible.

    A tensor of 16 KiB or more that the base has under the same name (or one that differs by a
    prefix), dtype and shape becomes a difference from it. The header, any other tensor, and all
    without a base may be stored as planes of bytes. Readers see no change, and may read meanwhile.

    Args:
        store: Where both files are kept.
        sha256: The file to make smaller.
        base_sha256: What it was adapted from; of a base in many files, one call for each.

    Returns:
        Bytes saved, 0 or more.

    Raises:
        Missing: One of the files is not kept.
        Damaged: One of them is broken.
        UnwritableError: No room (`Full`), or no permission.
    """
    tensors, head = _tensors(store, sha256)
    known = _Names(_tensors(store, base_sha256)[0] if base_sha256 is not None else {})
    saved = sum(_pack(store, piece, None, 1) for piece in head)
    done: set[str] = set()
    for tensor, mine in tensors.values():
        for piece, base in zip_longest(mine, known.like(tensor)):
            if piece.name not in done:
                done.add(piece.name)
                saved += _pack(store, piece, base, tensor.width)
    return saved


class _Names:
    """The base's tensors by name, and by name without its first parts where that is one tensor's.

    Heads are put on and taken off, and with them prefixes: ``encoder.…`` is ``bert.encoder.…``.
    """

    def __init__(self, tensors: _Tensors) -> None:
        self._tensors = tensors
        self._short: dict[str, str | None] = {}
        for name in tensors:
            for short in _shorter(name):
                self._short[short] = None if short in self._short else name

    def like(self, tensor: Tensor) -> list[Piece]:
        """Return the pieces of the base's tensor that is like this one; none if none is."""
        for name in (tensor.name, *_shorter(tensor.name)):
            known = name if name in self._tensors else self._short.get(name)
            if known is not None:
                base, pieces_of = self._tensors[known]
                if (base.dtype, base.shape) == (tensor.dtype, tensor.shape):
                    return pieces_of
        return []


def _shorter(name: str) -> Iterator[str]:
    for _ in range(2):
        _, dot, name = name.partition(".")
        if not dot:
            return
        yield name


def _tensors(store: Store, sha256: str) -> tuple[_Tensors, list[Piece]]:
    """Return the tensors that have pieces of their own, and the header's pieces.

    Both are empty if this is no safetensors file.
    """
    recipe = store.recipe(sha256)
    if recipe.inline is not None:
        return {}, []
    length = header_bytes(b"".join(store.read(sha256, 0, PREFIX + 1)))
    if length is None or length > recipe.content.size:
        return {}, []
    start = PREFIX + length
    try:
        header = parsed(b"".join(store.read(sha256, PREFIX, start)))
    except HeaderError:
        return {}, []
    at: dict[int, int] = {}
    offset = 0
    for index, piece in enumerate(recipe.pieces):
        at[offset] = index
        offset += piece.size
    at[offset] = len(recipe.pieces)
    found: _Tensors = {}
    for tensor in header.tensors:
        first, last = at.get(start + tensor.begin), at.get(start + tensor.end)
        if first is not None and last is not None and first < last:
            found[tensor.name] = tensor, list(recipe.pieces[first:last])
    return found, list(recipe.pieces[: at.get(start, 0)])


def _pack(store: Store, piece: Piece, base: Piece | None, width: int) -> int:
    """Store one piece in the smallest way; return the bytes saved."""
    stored = store.stored(piece.name)
    if pieces.base_of(stored) is not None:
        return 0
    content = pieces.decoded(stored, piece.name, store.piece)
    if len(content) % width:
        return 0
    limit = len(stored) - max(_WORTH_BYTES, int(len(stored) * _WORTH_SHARE))
    best = _difference(store, piece, content, base, width, limit)
    if best is None and pieces.is_raw(stored):
        best = pieces.planes(content, width)
    if best is None or len(best) > limit:
        return 0
    pieces.decoded(best, piece.name, store.piece)  # what replaces the only copy must be right
    store.depot.put(pieces.key_of(piece.name), best)
    return len(stored) - len(best)


def _difference(
    store: Store, piece: Piece, content: memoryview, base: Piece | None, width: int, limit: int
) -> bytes | None:
    """Return the piece as a difference that may be put; None where it does not pay or is unsafe."""
    if base is None or base.name == piece.name or is_base(store.depot, piece.name):
        return None
    root = pieces.base_of(store.stored(base.name)) or base.name  # differences from one level only
    other = store.piece(root)
    if root == piece.name or len(other) != len(content):
        return None
    best = pieces.difference(content, other, root, width)
    if len(best) > limit:
        return None
    # The link comes first, then the look: of two processes that would make two pieces differences
    # from each other, which would lose both, at least one sees the other's link.
    link(store.depot, root, piece.name)
    if is_base(store.depot, piece.name) or not store.has(root):
        return None
    return best
