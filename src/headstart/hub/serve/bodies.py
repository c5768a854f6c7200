"""Request bodies: large ones as files, read as they come; small ones bounded, for they are held."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from headstart.hub.errors import BadRequestError
from headstart.hub.store.model import writing

_IN_MEMORY = 4 * 1024 * 1024
_BATCH = 1024 * 1024
SMALL = 16 * 1024 * 1024
_STREAMED = re.compile(r"/lfs/(part/)?[^/]+|/cas/.*|/api/[^/]+/[^/]+/[^/]+/commit/[^/]+")


class TooLongError(Exception):
    """A body is longer than what is read into memory."""


class BoundedBodies:
    """ASGI middleware that lets no body grow in memory: all but those read as files have an end."""

    def __init__(self, app: Any, most: int = SMALL) -> None:
        self.app, self._most = app, most

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or answer 413."""
        if scope["type"] != "http" or _STREAMED.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if told.isdigit() and int(told[:20]) > self._most:
            await _refuse(send)
            return
        size = 0

        async def counted() -> Any:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._most:
                raise TooLongError
            return message

        try:
            await self.app(scope, counted, send)
        except TooLongError:
            await _refuse(send)


async def _refuse(send: Any) -> None:
    body = b'{"error":"the request is too long"}'
    headers = [
        (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


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
