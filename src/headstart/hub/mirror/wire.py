"""HTTP to the hub that is mirrored: to it and to hosts its keeper named, and nowhere else.

A redirect is a stranger's wish. It is followed to the same origin, or to a host that the keeper
named; to one of those only where its address is public, unless the hub itself is not. The address
that was looked at is the one that is connected to, so that a name cannot mean another meanwhile.
The token goes to the hub's own origin only.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit

from headstart.errors import RequestError
from headstart.hub.mirror.errors import NotThereError, UpstreamError

CONNECT_SECONDS = 10.0
_HOPS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}
_MISSING = (401, 403, 404, 410)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port of a URL."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: SplitResult) -> Origin:
        """Return where a URL leads.

        Raises:
            ValueError: It is no plain http(s) URL.
        """
        if url.scheme not in _PORTS or not url.hostname or url.username or url.password:
            raise ValueError("no plain http or https address")
        return cls(url.scheme, url.hostname.lower().rstrip("."), url.port or _PORTS[url.scheme])


@dataclass(frozen=True)
class Wire:
    """The way to a hub.

    Attributes:
        address: Its address, without a slash at its end.
        token: What it knows this hub by.
        hosts: Hosts that it may lead to, besides itself: ``cdn.example.org``,
            ``cdn.example.org:8443``, or ``.example.org`` for all within.
        seconds: How long is waited for an answer, and for each part of it.

    Raises:
        RequestError: The address is none.
    """

    address: str
    token: str | None = field(default=None, repr=False)
    hosts: tuple[str, ...] = ()
    seconds: float = 30.0

    def __post_init__(self) -> None:
        try:
            Origin.of(urlsplit(self.address))
        except ValueError:
            raise RequestError(
                "the address of the hub to mirror must be http://… or https://…, without a user",
                where=self.address[:200],
            ) from None

    @contextmanager
    def get(self, path: str) -> Iterator[http.client.HTTPResponse]:
        """Give the answer to a GET, redirects followed as far as they may be.

        Args:
            path: What follows the address; or a whole URL of the same origin.

        Raises:
            NotThereError: It has no such thing for us.
            UpstreamError: It is out of reach, fails, or leads where it may not.
        """
        url = path if "://" in path else self.address + path
        if _origin(url) != self._home:
            raise _astray()
        for _ in range(_HOPS):
            connection = self._connection(url)
            try:
                answer = _asked(connection, url, self._headers(url))
                if answer.status not in _REDIRECTS:
                    yield _good(answer)
                    return
                url = _joined(url, answer.getheader("Location") or "")
            finally:
                connection.close()
        raise UpstreamError("the hub that is mirrored leads in a circle")

    @property
    def _home(self) -> Origin:
        return Origin.of(urlsplit(self.address))

    def _headers(self, url: str) -> dict[str, str]:
        found = {"User-Agent": "headstart-hub", "Accept-Encoding": "identity"}
        if self.token and _origin(url) == self._home:
            found["Authorization"] = f"Bearer {self.token}"
        return found

    def _connection(self, url: str) -> http.client.HTTPConnection:
        to = _origin(url)
        if to != self._home:
            self._check_named(to)
        places = _addresses(to)
        if to != self._home and not all(map(_is_public, places)) and self._home_is_public():
            raise _astray()
        return _Fixed(to, places, self.seconds)

    def _check_named(self, to: Origin) -> None:
        if self._home.scheme == "https" and to.scheme != "https":
            raise _astray()
        for one in self.hosts:
            host, _, port = one.lower().partition(":")
            within = to.host.endswith(host) if host.startswith(".") else to.host == host
            if within and to.port == int(port or _PORTS[to.scheme]):
                return
        raise _astray()

    def _home_is_public(self) -> bool:
        return all(map(_is_public, _addresses(self._home)))


class _Fixed(http.client.HTTPConnection):
    """A connection to an address that was looked at, whatever the host's name means by now."""

    def __init__(self, to: Origin, places: list[Address], seconds: float) -> None:
        super().__init__(to.host, to.port, timeout=seconds)
        self._places, self._secure = places, to.scheme == "https"
        self.default_port = _PORTS[to.scheme]

    def connect(self) -> None:
        """Connect to the address; over TLS the certificate must be the host's."""
        sock = self._connected()
        sock.settimeout(self.timeout)
        if self._secure:
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=self.host)
        self.sock = sock

    def _connected(self) -> socket.socket:
        for place in self._places[:-1]:
            with suppress(OSError):
                return socket.create_connection((str(place), self.port), CONNECT_SECONDS)
        return socket.create_connection((str(self._places[-1]), self.port), CONNECT_SECONDS)


def _origin(url: str) -> Origin:
    try:
        return Origin.of(urlsplit(url))
    except ValueError:
        raise _astray() from None


def _joined(url: str, place: str) -> str:
    try:
        return urljoin(url, place)
    except ValueError:
        raise _astray() from None


def _asked(
    connection: http.client.HTTPConnection, url: str, headers: dict[str, str]
) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", target, headers=headers)
        return connection.getresponse()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise unreachable(error) from error


def _good(answer: http.client.HTTPResponse) -> http.client.HTTPResponse:
    if answer.status in _MISSING:
        raise NotThereError("the hub that is mirrored has no such thing")
    if answer.status != 200 or answer.getheader("Content-Encoding", "identity") != "identity":
        raise UpstreamError(f"the hub that is mirrored answers {answer.status}")
    return answer


def _addresses(to: Origin) -> list[Address]:
    try:
        found = socket.getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)
        return [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    except (OSError, UnicodeError, ValueError) as error:
        raise unreachable(error) from error


def _is_public(place: Address) -> bool:
    if isinstance(place, ipaddress.IPv6Address):
        inner = place.ipv4_mapped or place.sixtofour or (place.teredo and place.teredo[1])
        if place in _NAT64:
            inner = ipaddress.IPv4Address(int(place) & 0xFFFFFFFF)
        if inner:
            return _is_public(inner)
    return place.is_global and not place.is_multicast


def unreachable(error: Exception) -> UpstreamError:
    """Return the error for a hub that does not answer, or stops in the middle."""
    return UpstreamError(f"the hub that is mirrored cannot be reached ({type(error).__name__})")


def _astray() -> UpstreamError:
    return UpstreamError(
        "the hub that is mirrored leads to a place where this hub may not go",
        mend="whoever keeps this hub may name the host: hub serve --mirror-host HOST",
    )
