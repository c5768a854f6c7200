"""Where a file is cut into pieces: every 4 MiB, and at the tensors of safetensors files."""

from __future__ import annotations

from headstart.hub.store.piece import LIMIT


class Cutter:
    """Says, for a file's bytes as they come, how many go on the running piece."""

    def __init__(self) -> None:
        self._in_piece = 0

    def take(self, data: memoryview) -> tuple[int, bool]:
        """Return how many of ``data``'s bytes go on the running piece, and if that ends it."""
        taken = min(len(data), LIMIT - self._in_piece)
        ends = self._in_piece + taken == LIMIT
        self._in_piece = 0 if ends else self._in_piece + taken
        return taken, ends
