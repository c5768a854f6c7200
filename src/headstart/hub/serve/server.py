"""The server as a process."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI

from headstart.hub.hub import Hub

_IDLE_SECONDS = 30


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
        h11_max_incomplete_event_size=64 * 1024,
    )  # fmt: skip
    server = uvicorn.Server(config)
    print(f"headstart hub: http://{host}:{port} keeps {hub.root}", file=sys.stderr, flush=True)
    server.run()
