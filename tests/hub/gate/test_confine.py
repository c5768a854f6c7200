"""What is refused to a check, and what of it is held against the model."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from headstart.hub.gate.confine import Guard, RefusedError


@pytest.mark.parametrize(
    ("event", "address", "told"),
    [
        ("socket.bind", ("::1", 0), False),  # urllib3's question whether there is IPv6
        ("socket.bind", ("127.0.0.1", 0), False),
        ("socket.bind", ("::1", 8080), True),
        ("socket.bind", ("0.0.0.0", 0), True),
        ("socket.bind", "/run/other", True),
        ("socket.connect", ("::1", 0), True),
        ("socket.connect", ("127.0.0.1", 0), True),
    ],
)
def test_no_socket_is_had_and_what_goes_out_is_held_against_the_model(
    tmp_path: Path, event: str, address: object, told: bool
) -> None:
    guard = Guard(tmp_path)
    with socket.socket() as mine, pytest.raises(RefusedError, match="may not use the network"):
        guard(event, (mine, address))
    assert (guard.network is not None) is told
