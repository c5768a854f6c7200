"""The server, put together from its routes."""

from __future__ import annotations

from fastapi import FastAPI

from headstart.hub.hub import Hub
from headstart.hub.mirror.mirror import Mirror
from headstart.hub.serve import answers
from headstart.hub.serve.bodies import BoundedBodies
from headstart.hub.serve.gatekeeper import Gatekeeper
from headstart.hub.serve.paths import SplitBeforeDecoding
from headstart.hub.serve.rates import Measure, Rates
from headstart.hub.serve.routes import (
    absent,
    commit,
    files,
    gate,
    heavy,
    lfs,
    listing,
    parts,
    refs,
    repos,
    resolve,
    states,
    whoami,
    xet,
)

_ROUTES = (
    whoami, gate, states, listing, repos, refs, commit, files, heavy, xet, parts, lfs,
    resolve, absent,
)  # fmt: skip


def create_app(
    hub: Hub,
    address: str | None = None,
    *,
    mirror: Mirror | None = None,
    measure: Measure | None = None,
    gatekeeper: Gatekeeper | None = None,
    multipart: parts.Multipart | None = None,
) -> FastAPI:
    """Return the ASGI application that serves a hub.

    Args:
        hub: What is served.
        address: How clients reach it, if not by the address that each uses.
        mirror: Where what is not here is asked for; None: nowhere.
        measure: How often somebody may ask from elsewhere.
        gatekeeper: Who judges; one with the packaged standard if None.
        multipart: Which files come in parts by LFS.
    """
    app = FastAPI(title="headstart hub", docs_url=None, redoc_url=None)
    app.state.hub, app.state.address = hub, address and address.rstrip("/")
    app.state.mirror, app.state.gatekeeper = mirror, gatekeeper or Gatekeeper(hub)
    app.state.multipart = multipart or parts.Multipart()
    answers.install(app)
    for module in _ROUTES:
        app.include_router(module.router)
    app.add_middleware(SplitBeforeDecoding)
    app.add_middleware(BoundedBodies)
    app.add_middleware(Rates, measure=measure)
    return app
