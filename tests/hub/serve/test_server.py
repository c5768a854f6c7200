"""The server as a process: where it listens is what it tells."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from headstart.errors import RequestError
from headstart.hub.serve.server import bound


def test_a_free_port_is_told_and_answers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "headstart.cli.main", "hub", "serve", "--root", str(tmp_path)]
    process = subprocess.Popen([*command, "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.fullmatch(
            rf"headstart hub: (http://127\.0\.0\.1:(\d+)) keeps {tmp_path}\n", line
        )
        assert found is not None, line
        assert int(found[2]) > 0
        with urlopen(f"{found[1]}/api/models") as answer:
            assert answer.status == 200
    finally:
        process.kill()
        process.wait()


def test_who_comes_once_a_socket_is_bound_is_not_turned_away() -> None:
    (made,) = bound("127.0.0.1", 0)
    with made, socket.create_connection(made.getsockname(), timeout=5):
        assert made.getsockname()[1] > 0


def test_all_addresses_of_a_name_share_one_port() -> None:
    sockets = bound("localhost", 0)
    try:
        assert len({made.getsockname()[1] for made in sockets}) == 1
    finally:
        for made in sockets:
            made.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1", "no.such.host.invalid"])
def test_a_place_where_nobody_can_listen_is_told_in_words(host: str) -> None:
    (taken,) = bound("127.0.0.1", 0)
    port = taken.getsockname()[1]
    with taken, pytest.raises(RequestError, match="nobody can listen there") as caught:
        bound(host, port)
    assert caught.value.where == f"{host}:{port}"
