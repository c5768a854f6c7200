"""Tickets: short-lived, signed permissions in a URL, for clients that send no token there."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from typing import Any

from headstart.hub.errors import ForbiddenError


def after(seconds: int) -> int:
    """Return the time in so many seconds, in seconds of Unix."""
    return int(time.time()) + seconds


def ticket(secret: bytes, purpose: str, content: dict[str, Any], until: int) -> str:
    """Return a text for URLs that says ``content`` for one purpose, until a time of Unix."""
    body = json.dumps({**content, "for": purpose, "until": until})
    encoded = base64.urlsafe_b64encode(body.encode()).rstrip(b"=")
    return f"{encoded.decode('ascii')}.{_seal(secret, encoded)}"


def opened(secret: bytes, purpose: str, text: str) -> dict[str, Any]:
    """Return what a ticket says.

    Raises:
        ForbiddenError: It is none, is over, or is for something else.
    """
    encoded, _, seal = text.partition(".")
    try:
        raw = encoded.encode("ascii")
        if not hmac.compare_digest(_seal(secret, raw), seal):
            raise ValueError
        content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(raw + b"=" * (-len(raw) % 4)))
    except (ValueError, TypeError, binascii.Error):
        raise ForbiddenError("this link is not valid") from None
    if content.pop("for", None) != purpose:
        raise ForbiddenError("this link is for something else")
    if content.pop("until") < time.time():
        raise ForbiddenError("this link is over; ask again")
    return content


def _seal(secret: bytes, encoded: bytes) -> str:
    digest = hmac.new(secret, encoded, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
