"""Request bodies as files: read as they come, in bounded memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from headstart.hub.errors import BadRequestError
from headstart.hub.store.model import writing

_IN_MEMORY = 4 * 1024 * 1024
_BATCH = 1024 * 1024


async def batches(request: Request) -> AsyncIterator[bytes]:
    """Yield the body in parts of a megabyte or so; what is smaller costs a switch of threads."""
    waiting: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        waiting.append(chunk)
        size += len(chunk)
        if size >= _BATCH:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


@asynccontextmanager
async def spooled(request: Request, most: int, folder: Path) -> AsyncIterator[IO[bytes]]:
    """Give the body as a file that is read from its beginning.

    Raises:
        BadRequestError: It has more than ``most`` bytes.
        Full: There is no room for it.
    """
    with SpooledTemporaryFile(_IN_MEMORY, dir=str(folder)) as file:
        size = 0
        async for batch in batches(request):
            size += len(batch)
            if size > most:
                raise BadRequestError(f"the request is over {most >> 20} MiB: split it")
            await run_in_threadpool(_written, file, batch, str(folder))
        file.seek(0)
        yield file


def _written(file: IO[bytes], batch: bytes, where: str) -> None:
    with writing(where):
        file.write(batch)
