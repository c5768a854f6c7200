"""Heads of requests have an end: the parser alone would gather a line or header for ever."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST = 64 * 1024
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedHeads(HttpToolsProtocol):
    """uvicorn's protocol, which hangs up on heads longer than 64 KiB and one read."""

    _within_head = True
    _gathered = 0
    _ended = False

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless it only makes a head longer that is too long already."""
        if self._within_head and self._gathered > MOST:
            self.transport.write(_REFUSAL)
            self.transport.close()
            return
        self._ended = False
        super().data_received(data)
        if self._within_head and not self._ended:  # else this was the end of a body
            self._gathered += len(data)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a head."""
        super().connection_made(transport)
        self._within_head, self._gathered = True, 0

    def on_headers_complete(self) -> None:
        """Let the body be as long as its route takes."""
        self._within_head, self._gathered = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the next head."""
        self._within_head, self._gathered, self._ended = True, 0, True
        super().on_message_complete()
