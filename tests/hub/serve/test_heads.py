"""Endless lines and headers: the server hangs up, and answers others meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from headstart.hub.serve.heads import MOST, BoundedHeads


class Line(asyncio.Transport):
    """A connection that only remembers what was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent, self.closed = b"", False

    def write(self, data: Any) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def read(*parts: bytes) -> Line:
    """Let a connection get parts one after the other, until it is closed."""

    async def talk() -> Line:
        config = Config(nothing, lifespan="off")
        config.load()
        line, protocol = Line(), BoundedHeads(config, ServerState(), {})
        protocol.connection_made(line)
        for part in parts:
            if not line.closed:
                protocol.data_received(part)
            await asyncio.sleep(0)
        for task in list(protocol.tasks):
            await task
        return line

    return asyncio.run(talk())


ENDLESS = {
    "a header": (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", b"a" * 2**16),
    "headers": (b"GET / HTTP/1.1\r\nHost: x\r\n", b"X-A: a\r\n" * 2**13),
    "an address": (b"GET /", b"a" * 2**16),
    "a name": (b"GET / HTTP/1.1\r\nHost: x\r\n", b"a" * 2**16),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_a_head_without_end_is_cut_off(what: str) -> None:
    first, rest = ENDLESS[what]
    line = read(first, *[rest] * 50)
    assert line.closed
    assert line.sent.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


def test_a_long_body_and_many_requests_are_read() -> None:
    body = b"b" * (4 * MOST)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    line = read(*[head, body[:MOST], body[MOST:]] * 3, *[head + body] * 2)
    assert not line.closed
    assert line.sent.count(b"204 No Content") == 5
