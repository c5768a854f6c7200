"""Kill -9 the server at any moment: what it acknowledged is there, nothing is half-visible."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.utils import get_session

from headstart.hub.access import tokens
from headstart.hub.actions import admitting, finding
from headstart.hub.actions.maintaining import fsck
from headstart.hub.hub import open_hub
from headstart.hub.registry import commits, trees
from headstart.hub.registry.model import Kind

ROUNDS = 5
SIZE = 300_000


def started(root: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "headstart.cli.main", "hub", "serve", "--root", str(root)]
    process = subprocess.Popen([*command, "--port", str(port)], stderr=subprocess.PIPE)
    assert process.stderr is not None
    process.stderr.readline()  # it says so when it is about to listen
    return process, f"http://127.0.0.1:{port}"


def reached(address: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            get_session().get(f"{address}/api/models")
        except Exception as error:  # of whichever HTTP library the client has
            assert type(error).__name__ == "ConnectError", error  # noqa: PT017
            continue
        return


def pushed(address: str, token: str, path: str, content: bytes) -> str:
    """Push a file as a client without retries would; return the commit's id."""

    def ask(method: str, url: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            answer = get_session().request(method, url, headers=headers, **options)
        except Exception as error:  # of whichever HTTP library the client has
            raise RuntimeError from error
        if answer.status_code not in (200, 409):
            raise RuntimeError(answer.text)
        return answer

    oid = hashlib.sha256(content).hexdigest()
    named = {"oid": oid, "size": len(content)}
    ask("POST", f"{address}/api/repos/create", json={"name": "m"})
    batch = ask(
        "POST", f"{address}/ann/m.git/info/lfs/objects/batch",
        json={"operation": "upload", "objects": [named]},
    ).json()  # fmt: skip
    ask("PUT", batch["objects"][0]["actions"]["upload"]["href"], content=content)
    lines = [
        {"key": "header", "value": {"summary": path}},
        {"key": "lfsFile", "value": {"path": path, "algo": "sha256", **named}},
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    return str(
        ask("POST", f"{address}/api/models/ann/m/commit/main", content=body).json()["commitOid"]
    )


@pytest.mark.slow
def test_what_was_acknowledged_outlives_kill_9(tmp_path: Path) -> None:
    root = tmp_path / "hub"
    hub = open_hub(root)
    text, _ = admitting.token(hub, "ann", "write")
    asker = hub.database.read(lambda c: tokens.recognise(c, text))
    dice = random.Random(17)
    acknowledged: dict[str, tuple[bytes, str]] = {}
    for turn in range(ROUNDS):
        process, address = started(root)
        reached(address, process)
        killer = subprocess.Popen(
            [sys.executable, "-c", f"import os, time; time.sleep({dice.uniform(0.05, 1.5)}); "
             f"os.kill({process.pid}, {int(signal.SIGKILL)})"]
        )  # fmt: skip
        number = 0
        while process.poll() is None:
            path, content = f"{turn}/{number}.bin", dice.randbytes(SIZE)
            try:
                commit = pushed(address, text, path, content)
            except (OSError, RuntimeError):  # it is dead, in one of many ways
                break
            acknowledged[path] = (content, commit)
            number += 1
        killer.wait()
        process.wait()
        assert fsck(hub, deep=True).well
    found = hub.database.read(lambda c: finding.revision_for(c, asker, Kind.MODEL, "ann/m", "main"))
    line = hub.database.read(lambda c: commits.history(c, found.repo, found.commit))
    files = hub.database.read(lambda c: trees.entries(c, found.commit.tree))
    assert acknowledged
    for path, (content, oid) in acknowledged.items():
        assert b"".join(hub.store.read(files[path].sha256)) == content
        assert oid in {one.id for one in line}
