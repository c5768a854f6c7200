"""Paths as they were sent: a ``%2F`` inside a segment is no separator.

Servers decode a path before they split it, so that ``/resolve/refs%2Fpr%2F1/x`` could be read in
two ways. Here it is split first; a slash that was sent encoded travels on as :data:`SLASH`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

SLASH = "\x1f"


class SplitBeforeDecoding:
    """ASGI middleware that decodes each segment by itself, and refuses what cannot be decoded."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, its path split and decoded."""
        if scope["type"] == "http":
            path = decoded(scope.get("raw_path") or scope["path"].encode("utf-8", "replace"))
            if path is None:
                await _refuse(send)
                return
            scope = {**scope, "path": path}
        await self.app(scope, receive, send)


def decoded(raw: bytes) -> str | None:
    """Return a path whose segments are decoded; None where one is not UTF-8 or has controls."""
    segments = []
    for segment in raw.partition(b"?")[0].split(b"/"):
        try:
            text = unquote_to_bytes(segment).decode("utf-8")
        except UnicodeDecodeError:
            return None
        if any(ord(sign) < 0x20 or ord(sign) == 0x7F for sign in text):
            return None
        segments.append(text.replace("/", SLASH))
    return "/".join(segments)


def whole(segment: str) -> str:
    """Return a path parameter as the client meant it."""
    return segment.replace(SLASH, "/")


async def _refuse(send: Any) -> None:
    body = b'{"error":"the path cannot be read"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})
