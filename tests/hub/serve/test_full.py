"""A full disk in the middle of a push: refused in words, and all that was there is intact."""

from __future__ import annotations

import json
import random
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.hub_clients import Client, files_of
from bench.hub_server import Served, served, token
from headstart.hub.actions.maintaining import fsck
from headstart.hub.hub import open_hub
from tests.hub.store.files import MIB, noise, sha256
from tests.hub.xet.conftest import block_name, chunk

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="fills the disk by a limit of Linux's"),
]
ROOM = 3 * MIB
"""Bytes that a file of the server may have: a write beyond them fails as on a full disk."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "hub") as found:
        yield found


def fill(server: Served, room: int = ROOM) -> None:
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))


def refusal(client: Client, method: str, path: str, body: bytes, **headers: str) -> str:
    with pytest.raises(AssertionError) as caught:
        client.ask(method, path, body, **headers)
    return str(caught.value)


def test_a_full_disk_refuses_a_push_by_each_way_and_leaves_all_intact(
    server: Served, tmp_path: Path
) -> None:
    client = Client(server.address, token(tmp_path / "hub", "ann"))
    client.create("m")
    kept = files_of("0-0", 0, random.Random(0))
    commit = client.push("m", kept)
    large = noise(9 * MIB)
    named = {"operation": "upload", "objects": [{"oid": sha256(large), "size": len(large)}]}
    batch = client.ask("POST", "/ann/m.git/info/lfs/objects/batch", json.dumps(named).encode())
    link = json.loads(batch)["objects"][0]["actions"]["upload"]["href"]
    xet = json.loads(client.ask("GET", "/api/models/ann/m/xet-write-token/main"))
    chunks = [noise(100_000, seed) for seed in range(90)]
    block = "/cas/v1/xorbs/default/" + block_name(chunks)
    bearer = {"Authorization": f"Bearer {xet['accessToken']}"}

    fill(server)
    told = [
        refusal(client, "PUT", link, large),
        refusal(client, "POST", block, b"".join(map(chunk, chunks)), **bearer),
    ]

    assert all(" 507 " in one and "full" in one for one in told), told
    for path, data in kept.items():
        assert client.ask("GET", f"/ann/m/resolve/{commit}/{path}") == data
    fill(server, resource.RLIM_INFINITY)
    assert client.ask("PUT", link, large) == b""
    assert client.push("m", files_of("0-0", 1, random.Random(1))) != commit
    hub = open_hub(tmp_path / "hub")
    assert fsck(hub, deep=True).well
