"""The server as a process."""

from __future__ import annotations

import sys

import uvicorn

from headstart.hub.hub import Hub
from headstart.hub.serve.app import create_app

_IDLE_SECONDS = 30


def run(hub: Hub, host: str, port: int, address: str | None = None) -> None:
    """Serve until told to stop; requests under way are finished.

    Args:
        hub: What is served.
        host: Address to listen at.
        port: Port to listen at; 0 takes a free one.
        address: How clients reach it, if not by the address that each uses.
    """
    config = uvicorn.Config(
        create_app(hub, address), host=host, port=port, log_level="warning", access_log=False,
        timeout_keep_alive=_IDLE_SECONDS, timeout_graceful_shutdown=10, server_header=False,
        h11_max_incomplete_event_size=64 * 1024,
    )  # fmt: skip
    server = uvicorn.Server(config)
    print(f"headstart hub: http://{host}:{port} keeps {hub.root}", file=sys.stderr, flush=True)
    server.run()
