"""Bodies that are made while they are sent: one part is read and proved while another goes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

Part = bytes | memoryview
_FEWEST = 1024 * 1024


def begun(parts: Iterator[Part]) -> AsyncIterator[Part]:
    """Return the same bytes, the first ones read already: damage there is told, not cut off.

    Small parts are joined, to a megabyte where a large one does not follow: each costs a switch of
    threads.
    """
    joined = _joined(parts)
    return _ahead(next(joined, b""), joined)


async def _ahead(first: Part, parts: Iterator[Part]) -> AsyncIterator[Part]:
    loop = asyncio.get_running_loop()
    part: Part | None = first
    while part is not None:
        # Begun at once, not when the loop next turns: that is after it has sent the part before.
        following = loop.run_in_executor(None, next, parts, None)
        try:
            yield part
        except BaseException:
            following.cancel()
            raise
        part = await following


def _joined(parts: Iterator[Part]) -> Iterator[Part]:
    waiting: list[Part] = []
    size = 0
    for part in parts:
        if waiting and len(part) >= _FEWEST:
            yield b"".join(waiting)
            waiting, size = [], 0
        waiting.append(part)
        size += len(part)
        if size >= _FEWEST:
            yield part if len(waiting) == 1 else b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
