"""32 clients that push and pull at once for three minutes; then every commit and byte is looked at.

Several clients write to each branch. A push is one commit of two files and of ``newest.json``,
which all overwrite; what a file must hold follows from what it says of itself, so that whoever
pulls can tell. A third each goes by Xet and by LFS with huggingface_hub, and by plain HTTP. On
SQLite and on PostgreSQL.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench.hub_clients import Client, Pushed, client_for, files_of, history, look_at
from bench.hub_server import logged, served, token
from bench.postgres import programs, running
from headstart.hub.actions.maintaining import fsck
from headstart.hub.hub import open_hub

SECONDS, CLIENTS, PROCESSES, REPOS = 180.0, 32, 8, 8
WAYS = ("Xet", "LFS", "plain")


def run(part: str = "") -> list[dict[str, Any]]:
    """Load a hub on both databases, or on the one that is named; raises where anything is wrong."""
    found = []
    for kind in (part,) if part else ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory() as place, _database(kind) as url:
            found.append({"what": kind, **loaded(Path(place), url, SECONDS)})
    return found


@contextmanager
def _database(kind: str) -> Iterator[str | None]:
    place = programs() if kind == "postgresql" else None
    with running(place) if place else nullcontext() as url_of:
        yield url_of("postgres") if url_of else None


def loaded(
    folder: Path, url: str | None, seconds: float, *, clients: int = CLIENTS,
    processes: int = PROCESSES, repos: int = REPOS,
) -> dict[str, Any]:  # fmt: skip
    """Let clients work on a fresh hub; check all they did.

    Args:
        folder: Where the hub and the clients' caches lie.
        url: The registry's; None for SQLite.
        seconds: How long they work.
        clients: How many at once.
        processes: In how many processes.
        repos: How many repos they share.

    Raises:
        AssertionError: A request failed, or something is lost, mixed or damaged.
    """
    root, options = folder / "hub", ("--database", url) if url else ()
    text = token(root, "ann", "write", *options)
    with served(root, *options) as server:
        work = _Work(server.address, text, str(folder), seconds, clients // processes, repos)
        for number in range(repos):
            Client(server.address, text).create(f"m{number}")
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            told = list(pool.map(work, range(processes)))
        pushed = [one for some, _ in told for one in some]
        assert pushed
        for number in range(repos):
            _check(Client(server.address, text), f"m{number}", pushed)
        peak = server.peak_bytes() / 1e6
        assert not logged(server), logged(server)
    hub = open_hub(root, url)
    health = fsck(hub, deep=True)
    assert health.well, health
    hub.database.close()
    waits = sorted(one.seconds for one in pushed)
    return {
        "seconds": seconds, "clients": float(clients), "commits": float(len(pushed)),
        "pulls": float(sum(pulls for _, pulls in told)),
        "MB_pushed": sum(one.size for one in pushed) / 1e6,
        "p95_push_seconds": waits[int(len(waits) * 0.95)], "peak_MB": peak,
    }  # fmt: skip


def _check(client: Client, repo: str, pushed: list[Pushed]) -> None:
    """See that a repo's history is exactly what was acknowledged, each commit whole."""
    mine = {one.commit: one for one in pushed if one.repo == repo}
    line = history(client, repo)
    assert len(line) == len(set(line)) == len(mine) + 1, "commits are lost or doubled"
    assert set(line[:-1]) == set(mine), "commits are lost, or were not acknowledged"
    for commit, one in mine.items():
        look_at(client, one, commit)


class _Work:
    """What one process does; may be sent to it."""

    def __init__(
        self, address: str, text: str, folder: str, seconds: float, threads: int, repos: int
    ) -> None:
        self.address, self.text, self.folder = address, text, folder
        self.seconds, self.threads, self.repos = seconds, threads, repos

    def __call__(self, process: int) -> tuple[list[Pushed], int]:
        """Return what was pushed, and how often something was pulled and was right."""
        way = WAYS[process % len(WAYS)]
        os.environ["HF_HOME"] = f"{self.folder}/home-{process}"
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
        if way == "LFS":
            os.environ["HF_HUB_DISABLE_XET"] = "1"
        with ThreadPoolExecutor(self.threads) as pool:
            jobs = [
                pool.submit(self._client, process, thread, way) for thread in range(self.threads)
            ]
            told = [job.result() for job in jobs]
        return [one for some, _ in told for one in some], sum(pulls for _, pulls in told)

    def _client(self, process: int, thread: int, way: str) -> tuple[list[Pushed], int]:
        me, client = f"{process}-{thread}", client_for(way, self.address, self.text)
        draw = random.Random(me)
        until, pushed, pulls = time.monotonic() + self.seconds, list[Pushed](), 0
        while time.monotonic() < until:
            repo = f"m{draw.randrange(self.repos)}"
            if draw.random() < 0.5:
                began = time.perf_counter()
                files = files_of(me, len(pushed), draw)
                commit = client.push(repo, files)
                size = sum(len(data) for data in files.values())
                pushed.append(
                    Pushed(repo, commit, me, len(pushed), size, time.perf_counter() - began)
                )
            else:
                pulls += client.pull(repo, draw)
        return pushed, pulls
