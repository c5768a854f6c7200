"""Bodies that are made while they are sent: one part is read and proved while another goes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from starlette.concurrency import run_in_threadpool

Part = bytes | memoryview
_FEWEST = 1024 * 1024


def begun(parts: Iterator[Part]) -> AsyncIterator[Part]:
    """Return the same bytes, the first ones read already: damage there is told, not cut off.

    Small parts are joined to a megabyte or more: each costs a switch of threads.
    """
    joined = _joined(parts)
    return _ahead(next(joined, b""), joined)


async def _ahead(first: Part, parts: Iterator[Part]) -> AsyncIterator[Part]:
    part: Part | None = first
    while part is not None:
        following = asyncio.ensure_future(run_in_threadpool(next, parts, None))
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
        waiting.append(part)
        size += len(part)
        if size >= _FEWEST:
            yield waiting[0] if len(waiting) == 1 else b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
