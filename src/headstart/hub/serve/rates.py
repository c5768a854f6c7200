"""How often somebody may ask: by token and by address, in fixed windows; who must wait gets 429.

Clients read ``RateLimit`` (a draft of the IETF's httpapi group) and wait; some calls they do not
repeat after a 429, so those have a larger measure. Who asks from this machine is not counted.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

from headstart.hub.actions.limiting import Limits

_REPEATED = re.compile(
    r"/api/(models|datasets)"
    r"|/api/(models|datasets)/[^/]+/[^/]+/(tree|commits|preupload|xet-(read|write)-token)/.*"
    r"|.*\.git/info/lfs/objects/batch"
)
_BYTES = re.compile(r"/(cas|lfs|static)/.*")
_SIGN_IN = "/login"
_MOST_KEYS = 100_000


@dataclass(frozen=True)
class Measure:
    """How many requests a window takes.

    Attributes:
        repeated: Of one token (or stranger's address), of calls that clients repeat after a 429.
        others: Of one token (or stranger's address), of all other calls.
        address: Of one address in all, whoever asks from there.
        failures: Tokens from one address that open nothing; then unknown ones are not looked up.
        seconds: Length of a window.
    """

    repeated: int = 6_000
    others: int = 30_000
    address: int = 120_000
    failures: int = 300
    seconds: int = 60

    @classmethod
    def of(cls, limits: Limits) -> Measure:
        """Return the measure of a keeper's words.

        Calls that clients do not repeat get five times as many, an address with many tokens
        twenty times.
        """
        calls = limits.calls
        return cls(calls, 5 * calls, 20 * calls, limits.wrong_tokens, 60)


@dataclass(frozen=True)
class Refusal:
    """Why a request must wait: the measure's name and size, seconds left, length of a window."""

    name: str
    most: int
    wait: int
    window: int


class Window:
    """Counts by key until the window is over; of too many keys, the rest share one.

    Args:
        seconds: Its length.
        clock: Seconds that only grow.
    """

    def __init__(self, seconds: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self._clock = seconds, clock
        self._began, self._counts = clock(), Counter[str]()
        self._good: set[str] = set()
        self._good_before: set[str] = set()

    def add(self, key: str) -> int:
        """Count one; return how many there are now."""
        self._turn()
        key = key if key in self._counts or len(self._counts) < _MOST_KEYS else "the rest"
        self._counts[key] += 1
        return self._counts[key]

    def count(self, key: str) -> int:
        """Return how many there are."""
        self._turn()
        return self._counts.get(key, 0)

    def wait(self) -> int:
        """Return the whole seconds until all is forgotten."""
        return max(1, ceil(self._began + self.seconds - self._clock()))

    def trust(self, key: str) -> None:
        """Remember, until the end of the next window, that a token opened something."""
        self._turn()
        if len(self._good) < _MOST_KEYS:
            self._good.add(key)

    def trusts(self, key: str) -> bool:
        """Whether a token opened something lately."""
        self._turn()
        return key in self._good or key in self._good_before

    def _turn(self) -> None:
        over = self._clock() - self._began
        if over >= self.seconds:
            self._good_before = self._good if over < 2 * self.seconds else set()
            self._began, self._counts, self._good = self._clock(), Counter(), set()


class Rates:
    """ASGI middleware that lets nobody ask too often.

    Args:
        app: What answers.
        measure: How often is too often.
        clock: Seconds that only grow.
    """

    def __init__(
        self, app: Any, measure: Measure | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._app, self._measure = app, measure or Measure()
        self._window = Window(self._measure.seconds, clock)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or answer that it must wait."""
        address = _address(scope)
        if scope["type"] != "http" or address is None:
            await self._app(scope, receive, send)
            return
        token = _token(scope)
        refusal = self._refusal(scope, address, token)
        if refusal is not None:
            await _wait(send, refusal)
            return
        tries = token is not None or (scope["path"] == _SIGN_IN and scope["method"] == "POST")

        async def noted(message: Any) -> None:
            if message["type"] == "http.response.start" and tries:
                self._note(address, token, message["status"])
            await send(message)

        await self._app(scope, receive, noted)

    def _refusal(self, scope: Any, address: str, token: str | None) -> Refusal | None:
        measure, window, path = self._measure, self._window, scope["path"]
        tries = token is not None or path == _SIGN_IN
        if (
            tries
            and not (token and window.trusts(token))
            and window.count(f"failures {address}") >= measure.failures
        ):
            return Refusal("failures", measure.failures, window.wait(), window.seconds)
        if _BYTES.fullmatch(path):
            return None  # what they cost is bytes; their links and tokens were counted
        if window.add(f"address {address}") > measure.address:
            return Refusal("address", measure.address, window.wait(), window.seconds)
        kind = "api" if _REPEATED.fullmatch(path) else "calls"
        most = measure.repeated if kind == "api" else measure.others
        if window.add(f"{kind} {token or address}") > most:
            return Refusal(kind, most, window.wait(), window.seconds)
        return None

    def _note(self, address: str, token: str | None, status: int) -> None:
        if status == 401:
            self._window.add(f"failures {address}")
        elif token is not None and status < 400:
            self._window.trust(token)


def _address(scope: Any) -> str | None:
    """Return who asks, a network of IPv6 as one; None for this machine and its sockets."""
    try:
        found = ipaddress.ip_address((scope.get("client") or ("", 0))[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            block = ipaddress.ip_network((found, 64), strict=False)
            return None if found.is_loopback else str(block)
        found = found.ipv4_mapped
    return None if found.is_loopback else str(found)


def _token(scope: Any) -> str | None:
    """Return what stands for the token that was sent, or None."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            return hashlib.blake2b(value, digest_size=16).hexdigest()
    return None


async def _wait(send: Any, refusal: Refusal) -> None:
    words = f"too many requests: wait {refusal.wait} seconds"
    body = json.dumps({"error": words}).encode()
    headers = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "retry-after": str(refusal.wait),
        "ratelimit": f'"{refusal.name}";r=0;t={refusal.wait}',
        "ratelimit-policy": f'"fixed window";"{refusal.name}";q={refusal.most};w={refusal.window}',
        "x-error-message": words,
    }
    pairs = [(key.encode(), value.encode()) for key, value in headers.items()]
    await send({"type": "http.response.start", "status": 429, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
