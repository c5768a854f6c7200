"""The server as a process."""

from __future__ import annotations

import ctypes
import errno
import platform
import socket
import sys
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI

from headstart.errors import RequestError
from headstart.hub.hub import Hub
from headstart.hub.serve.heads import BoundedHeads

_IDLE_SECONDS, _MOST_FILES = 30, 65_536
_WAITING = 2048  # connections that wait to be taken, uvicorn's own number
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def run(app: FastAPI, hub: Hub, host: str, port: int) -> None:
    """Serve until told to stop; requests under way are finished.

    Args:
        app: What answers.
        hub: What is served.
        host: Address to listen at.
        port: Port to listen at; 0 takes a free one, which is printed.

    Raises:
        RequestError: Nobody can listen there.
    """
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", access_log=False,
        timeout_keep_alive=_IDLE_SECONDS, timeout_graceful_shutdown=10, server_header=False,
        http=BoundedHeads,
    )  # fmt: skip
    _spend_little_memory()
    _open_many_files()
    sockets = bound(host, port)
    at = f"[{host}]" if ":" in host else host
    real = sockets[0].getsockname()[1]
    print(f"headstart hub: http://{at}:{real} keeps {hub.root}", file=sys.stderr, flush=True)
    uvicorn.Server(config).run(sockets)


def bound(host: str, port: int) -> list[socket.socket]:
    """Return a socket that listens for each address of a host, all at one port.

    They listen before the address is told: who reads it and comes at once waits, and is answered.

    Raises:
        RequestError: Nobody can listen there.
    """
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, place in _addresses(host, port):
            made = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(made)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                made.bind((place[0], port, *place[2:]))
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL or len(sockets) == 1:
                    raise
                sockets.pop().close()  # a name's second address that this machine has not
                continue
            made.listen(_WAITING)
            port = made.getsockname()[1]
    except OSError as error:
        for made in sockets:
            made.close()
        raise RequestError(
            f"nobody can listen there: {error.strerror or error}", where=f"{host}:{port}",
            mend="name another --port (0 takes a free one) or --host; or end what listens there",
        ) from error  # fmt: skip
    return sockets


def _addresses(host: str, port: int) -> list[Any]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys(found))


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
