"""A PostgreSQL server of one's own, on a socket in a new folder, for tests and benchmarks."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql")
_OPTIONS = "-c listen_addresses= -c fsync=off -c max_connections=50 -k "


def programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs, the newest where there are several."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def running(programs: Path) -> Iterator[Callable[[str], str]]:
    """Start a server; give a function from a database's name to its URL. ``postgres`` is there."""
    folder = Path(tempfile.mkdtemp(prefix="headstart-pg-"))  # a socket's path must be short
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = "postgres" if _exists("postgres") else "nobody"
        shutil.chown(folder, user)

    def run(*command: str | Path) -> None:
        subprocess.run(
            command, cwd=folder, user=user, env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    control, data, log = programs / "pg_ctl", folder / "data", folder / "log"
    run(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N")
    run(control, "-D", data, "-l", log, "-w", "-o", f"{_OPTIONS}{folder}", "start")
    try:
        yield lambda name: f"postgresql://postgres@/{name}?host={folder}"
    finally:
        run(control, "-D", data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
