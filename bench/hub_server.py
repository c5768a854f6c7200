"""Hubs as processes of their own, for the benchmarks that push to them and pull from them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

_HUB = (sys.executable, "-m", "headstart.cli.main", "hub")
_PAUSE, _PATIENCE = 0.05, 60.0


@dataclass(frozen=True)
class Served:
    """A server that runs: where, and as which process."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def peak_bytes(self) -> int:
        """Return the most memory that the server, all its processes together, ever held."""
        return sum(_held(process) for process in _family(self.process.pid))


def token(root: Path, user: str, role: str = "write", *options: str) -> str:
    """Make a token as an administrator does; return its text."""
    command = [*_HUB, "token", "create", "--root", str(root), "--user", user, "--role", role]
    done = subprocess.run([*command, *options, "--json"], check=True, capture_output=True)
    return str(json.loads(done.stdout)["token"])


@contextmanager
def served(root: Path, *options: str) -> Iterator[Served]:
    """Run ``headstart hub serve`` until the block is left; give it once it answers."""
    found = start(root, *options)
    try:
        yield found
    finally:
        found.process.terminate()
        try:
            found.process.wait(20)
        except subprocess.TimeoutExpired:
            found.process.kill()
            found.process.wait()


def start(root: Path, *options: str) -> Served:
    """Start ``headstart hub serve`` on a free port; return once it answers."""
    port = free_port()
    command = [*_HUB, "serve", "--root", str(root), "--port", str(port), *options]
    root.mkdir(parents=True, exist_ok=True)
    log = root / f"serve-{port}.log"
    with log.open("wb") as told:
        process = subprocess.Popen(command, stderr=told)
    answered(f"http://127.0.0.1:{port}/api/models", process)
    return Served(f"http://127.0.0.1:{port}", process, log)


def logged(server: Served) -> str:
    """Return what the server complained of: every answer of 500 is there, with its cause."""
    return server.log.read_text(errors="replace").partition("\n")[2]


def answered(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers."""
    for _ in range(int(_PATIENCE / _PAUSE)):
        try:
            with urlopen(url):
                return
        except URLError:
            if process.poll() is not None:
                raise RuntimeError(f"the server at {url} ended with {process.poll()}") from None
            time.sleep(_PAUSE)
    raise RuntimeError(f"no answer at {url} after {_PATIENCE:.0f} s")


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def client(code: str, home: Path, **variables: str) -> float:
    """Run a client in a process of its own, with nothing remembered; return the seconds it says.

    Args:
        code: Python; it prints how long it took, last.
        home: Its HF_HOME.
        variables: More of its environment.
    """
    environment = os.environ | {"HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment | variables, check=True, capture_output=True
    )
    return float(done.stdout.split()[-1])


def _family(process: int) -> list[int]:
    """Return a process and those that it started, and so on."""
    found = [process]
    for parent in found:
        children = Path(f"/proc/{parent}/task/{parent}/children")
        found += [int(child) for child in children.read_text().split()]
    return found


def _held(process: int) -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
