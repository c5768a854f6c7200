"""``headstart hub serve``: the server, from its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli.hub.common import Blobs, Database, Root, need_packages, open_at
from headstart.errors import RequestError


def serve(
    root: Root,
    database: Database = None,
    blobs: Blobs = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen at.", max=65535)] = 7860,
    address: Annotated[
        str | None,
        typer.Option("--address", metavar="URL", help="How clients reach it, if not so."),
    ] = None,
    studies: Annotated[
        Path | None,
        typer.Option("--studies", metavar="DIR", help="Studies that its pages show. \\[none]"),
    ] = None,
) -> None:
    """Serve the hub and its pages: transformers, timm, peft, [bold]hf[/bold] use it by HF_ENDPOINT.

    [bold]Examples[/bold]

      headstart hub token create --root hub --user ann --role write

      headstart hub serve --root hub --port 7860

      HF_ENDPOINT=http://127.0.0.1:7860 HF_TOKEN=… hf upload ann/model folder/
    """
    need_packages()
    from headstart.hub.serve.app import create_app
    from headstart.hub.serve.server import run
    from headstart.web.site import add_pages

    if studies is not None and not studies.is_dir():
        raise RequestError("the folder of studies is not there", where=str(studies))
    hub = open_at(root, database, blobs)
    app = create_app(hub, address)
    add_pages(app, studies)
    run(app, hub, host, port)
