"""The server, put together from its routes."""

from __future__ import annotations

from fastapi import FastAPI

from headstart.hub.hub import Hub
from headstart.hub.serve import answers
from headstart.hub.serve.paths import SplitBeforeDecoding
from headstart.hub.serve.routes import (
    absent,
    commit,
    files,
    heavy,
    lfs,
    listing,
    refs,
    repos,
    resolve,
    states,
    whoami,
    xet,
)

_ROUTES = (
    whoami, states, listing, repos, refs, commit, files, heavy, xet, lfs, resolve, absent,
)  # fmt: skip


def create_app(hub: Hub, address: str | None = None) -> FastAPI:
    """Return the ASGI application that serves a hub.

    Args:
        hub: What is served.
        address: How clients reach it, if not by the address that each uses.
    """
    app = FastAPI(title="headstart hub", docs_url=None, redoc_url=None)
    app.state.hub, app.state.address = hub, address and address.rstrip("/")
    answers.install(app)
    for module in _ROUTES:
        app.include_router(module.router)
    app.add_middleware(SplitBeforeDecoding)
    return app
