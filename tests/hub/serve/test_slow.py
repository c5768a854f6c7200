"""Many slow connections: headers that never end, bodies that do not come, readers that do not."""

from __future__ import annotations

import random
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.hub_clients import Client, files_of
from bench.hub_server import Served, served, token

pytestmark = pytest.mark.slow
SLOW, USUAL = 334, 1024
"""Slow connections of each kind, 1,002 in all; files that a process may have open unless it asks
for more, as the server does."""
REQUESTS = (
    b"GET /api/models HTTP/1.1\r\nHost: hub\r\nX-Slow: ",
    b"POST /api/models/ann/m/commit/main HTTP/1.1\r\nHost: hub\r\nContent-Length: 9000000\r\n"
    b"Authorization: Bearer %(token)s\r\n\r\n{",
    b"GET /ann/m/resolve/main/0-0/0.bin HTTP/1.1\r\nHost: hub\r\n"
    b"Authorization: Bearer %(token)s\r\n\r\n",
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * SLOW * len(REQUESTS)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"needs {wanted} open files, this user may have {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (USUAL, hard))
    try:
        with served(tmp_path / "hub") as found:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            yield found
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_others_are_served_while_many_dawdle(server: Served, tmp_path: Path) -> None:
    text = token(tmp_path / "hub", "ann")
    client = Client(server.address, text)
    client.create("m")
    files = files_of("0-0", 0, random.Random(0))
    client.push("m", files)
    host, port = server.address.removeprefix("http://").split(":")
    with ExitStack() as stack:
        for request in REQUESTS:
            for _ in range(SLOW):
                slow = stack.enter_context(socket.socket())
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                slow.connect((host, int(port)))
                slow.sendall(request.replace(b"%(token)s", text.encode()))
        for turn in range(1, 4):
            files = files_of("0-0", turn, random.Random(turn))
            commit = Client(server.address, text).push("m", files)
            for path, data in files.items():
                assert client.ask("GET", f"/ann/m/resolve/{commit}/{path}") == data
        held = server.peak_bytes()
    assert held < 1_000_000_000
    assert client.ask("GET", "/api/models")
