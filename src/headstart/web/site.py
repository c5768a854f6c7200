"""The hub's own pages, put onto the server that answers its clients."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, HTTPException, Response

from headstart.web import faults
from headstart.web.pages import (
    audit,
    gate,
    lineage,
    login,
    model,
    models,
    owner,
    profile,
    revisions,
    studies,
    teams,
    tokens,
)
from headstart.web.pages import files as file_pages
from headstart.web.rendering import environment

_KINDS = {"site.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8"}
_NOSNIFF = {"X-Content-Type-Options": "nosniff"}
_YEAR = 365 * 24 * 3600


def add_pages(app: FastAPI, studies_folder: Path | None = None) -> None:
    """Let a server of the hub answer browsers, too; to be called once all its own routes are there.

    Args:
        app: As ``headstart.hub.serve.app.create_app`` returns it.
        studies_folder: Where the studies lie that the pages show; None for none.
    """
    app.state.studies = studies_folder
    app.state.shelves = profile.shelves(studies_folder)
    environment().globals.update(style=_address("site.css"), live_script=_address("live.js"))
    faults.install(app)

    @app.get("/static/{digest}/{name}", include_in_schema=False)
    def static(digest: str, name: str) -> Response:
        if name not in _KINDS:
            raise HTTPException(404)
        kept = {"Cache-Control": f"public, max-age={_YEAR}, immutable", **_NOSNIFF}
        return Response(_file(name), media_type=_KINDS[name], headers=kept)

    # What has the fewest fixed words comes last: a model's page takes any two.
    for module in (login, tokens, teams, audit, profile, studies, models, lineage, gate,
                   revisions, file_pages, model, owner):  # fmt: skip
        app.include_router(module.router)


@cache
def _file(name: str) -> bytes:
    return (files("headstart.web") / "templates" / name).read_bytes()


def _address(name: str) -> str:
    """Return where a file is had; another address once it is another file."""
    return f"/static/{hashlib.sha256(_file(name)).hexdigest()[:16]}/{name}"
