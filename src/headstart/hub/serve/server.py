"""The server as a process."""

from __future__ import annotations

import ctypes
import platform
import sys
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from headstart.hub.hub import Hub
from headstart.hub.serve.heads import BoundedHeads

_IDLE_SECONDS, _MOST_FILES = 30, 65_536
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def run(app: FastAPI, hub: Hub, host: str, port: int) -> None:
    """Serve until told to stop; requests under way are finished.

    Args:
        app: What answers.
        hub: What is served.
        host: Address to listen at.
        port: Port to listen at; 0 takes a free one.
    """
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", access_log=False,
        timeout_keep_alive=_IDLE_SECONDS, timeout_graceful_shutdown=10, server_header=False,
        http=BoundedHeads,
    )  # fmt: skip
    _spend_little_memory()
    _open_many_files()
    server = uvicorn.Server(config)
    print(f"headstart hub: http://{host}:{port} keeps {hub.root}", file=sys.stderr, flush=True)
    server.run()


def _open_many_files() -> None:
    """Take as many connections as this user may: unless it asks, a process has 1,024 files open."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # not on Windows

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _spend_little_memory() -> None:
    """Let glibc use the buffers of pieces again, give larger ones back, and keep few pools.

    To map every piece's 4 MiB anew costs two seconds a gigabyte. Parameter numbers from glibc's
    <malloc.h>; see mallopt(3).
    """
    if platform.libc_ver()[0] != "glibc":
        return
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in (
            (_M_ARENA_MAX, 2), (_M_MMAP_THRESHOLD, 16 << 20), (_M_TRIM_THRESHOLD, 64 << 20),
        ):  # fmt: skip
            mallopt(ctypes.c_int(parameter), ctypes.c_int(value))
