"""Kill -9 the server at random moments of pushes: what it acknowledged is there, whole.

Three clients push at once, by LFS and by Xet, one commit of three files after the other. What was
not acknowledged is there whole, or not at all.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from signal import SIGKILL

import pytest

from bench.hub_clients import NEWEST, SLOTS, Client, Files, files_of, history
from bench.hub_server import Served, served, start, token
from headstart.hub.actions.maintaining import fsck
from headstart.hub.hub import open_hub
from tests.hub.xet.conftest import block_name, chunk
from tests.hub.xet.conftest import told as shard

ROUNDS, CLIENTS = int(os.environ.get("HEADSTART_KILLS", "6")), 3
"""As often is it killed; 20 times take two minutes."""
LONGEST = 1.2
"""Seconds after which a server is killed at the latest."""


def pushing(address: str, text: str, who: str, turn: int) -> list[tuple[str, Files]]:
    """Push until the server is dead; return what it acknowledged: commits and what they brought."""
    client, done, dice = Client(address, text), list[tuple[str, Files]](), random.Random(who)
    while True:
        files = files_of(f"{turn}-{who}", len(done), dice)
        try:
            if who == "xet":
                bring(client, files[f"{turn}-{who}/{len(done) % SLOTS}.bin"])
            done.append((client.push("m", files), files))
        except (OSError, HTTPException, AssertionError):  # it is dead, in one of many ways
            return done


def bring(client: Client, data: bytes) -> None:
    """Bring a file by Xet, as its clients do; the commit then finds it."""
    chunks = [data[start : start + 100_000] for start in range(0, len(data), 100_000)]
    block = block_name(chunks)
    told = json.loads(client.ask("GET", "/api/models/ann/m/xet-write-token/main"))
    bearer = {"Authorization": f"Bearer {told['accessToken']}"}
    client.ask("POST", f"/cas/v1/xorbs/default/{block}", b"".join(map(chunk, chunks)), **bearer)
    client.ask("POST", "/cas/v1/shards", shard(chunks, [(block, 0, len(chunks), len(data))]),
               **bearer)  # fmt: skip


def killed(server: Served, after: float) -> subprocess.Popen[bytes]:
    code = f"import os, time; time.sleep({after}); os.kill({server.process.pid}, {int(SIGKILL)})"
    return subprocess.Popen([sys.executable, "-c", code])


@pytest.mark.slow
def test_what_was_acknowledged_outlives_kill_9(tmp_path: Path) -> None:
    root, dice = tmp_path / "hub", random.Random(17)
    text = token(root, "ann")
    acknowledged: list[tuple[str, Files]] = []
    hub = open_hub(root)
    for turn in range(ROUNDS):
        server = start(root)
        if not turn:
            Client(server.address, text).create("m")
        killer = killed(server, dice.uniform(0.05, LONGEST))
        with ThreadPoolExecutor(CLIENTS) as pool:
            jobs = [
                pool.submit(pushing, server.address, text, who, turn) for who in ("a", "b", "xet")
            ]
            acknowledged += [one for job in jobs for one in job.result()]
        killer.wait()
        assert server.process.wait() == -SIGKILL
        assert fsck(hub).well
    assert len(acknowledged) > ROUNDS
    assert fsck(hub, deep=True).well
    with served(root) as server:
        client = Client(server.address, text)
        line = history(client, "m")
        assert {commit for commit, _ in acknowledged} <= set(line)
        for commit, files in acknowledged:
            for path, data in files.items():
                assert client.ask("GET", f"/ann/m/resolve/{commit}/{path}") == data
        for commit in line[:-1]:  # also of those that nobody was told of
            tree = client.ask("GET", f"/api/models/ann/m/tree/{commit}?recursive=true")
            paths = {one["path"] for one in json.loads(tree) if one["type"] == "file"}
            pairs = {path.removesuffix(".bin") for path in paths if path.endswith(".bin")}
            assert paths == {".gitattributes", NEWEST} | {
                f"{one}.{kind}" for one in pairs for kind in ("bin", "txt")
            }
