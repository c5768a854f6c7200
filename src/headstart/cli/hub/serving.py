"""``headstart hub serve``: the server, from its options."""

from __future__ import annotations

import os
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
    port: Annotated[
        int, typer.Option("--port", help="Port to listen at; 0: a free one.", min=0, max=65535)
    ] = 7860,
    address: Annotated[
        str | None,
        typer.Option("--address", metavar="URL", help="How clients reach it, if not so."),
    ] = None,
    studies: Annotated[
        Path | None,
        typer.Option("--studies", metavar="DIR", help="Studies that its pages show. \\[none]"),
    ] = None,
    enforce: Annotated[
        bool | None,
        typer.Option(
            "--enforce/--no-enforce", metavar="", show_default=False,
            help="Give readers what is approved only. Kept. \\[yes]",
        ),
    ] = None,
    calls: Annotated[
        int | None,
        typer.Option(
            "--calls", metavar="N", min=1, show_default=False,
            help="API calls a minute with one token from another machine. Kept. \\[6000]",
        ),
    ] = None,
    wrong_tokens: Annotated[
        int | None,
        typer.Option(
            "--wrong-tokens", metavar="N", min=1, show_default=False,
            help="Wrong tokens a minute from one address. Kept. \\[300]",
        ),
    ] = None,
    standard: Annotated[
        Path | None,
        typer.Option(
            "--standard", metavar="FILE",
            help="What its gate asks of models that are judged from afar. \\[a packaged one]",
        ),
    ] = None,
    mirror: Annotated[
        str | None,
        typer.Option(
            "--mirror", metavar="URL",
            help="Fetch what is asked for and not here from this hub.",
        ),
    ] = None,
    mirror_only: Annotated[
        list[str] | None,
        typer.Option(
            "--mirror-only", metavar="NAME",
            help="Mirror only this namespace, and keep its name for that; repeat. "
            "\\[all that are nobody's here]",
        ),
    ] = None,
    mirror_host: Annotated[
        list[str] | None,
        typer.Option(
            "--mirror-host", metavar="HOST",
            help="Where that hub may lead to for bytes (.example.org: all within); repeat.",
        ),
    ] = None,
    mirror_minutes: Annotated[
        float,
        typer.Option("--mirror-minutes", min=0, help="How long a branch is not asked for again."),
    ] = 10,
) -> None:  # fmt: skip
    """Serve the hub and its pages: transformers, timm, peft, [bold]hf[/bold] use it by HF_ENDPOINT.

    [bold]Examples[/bold]

      headstart hub token create --root hub --user ann --role write

      headstart hub serve --root hub --port 7860

      headstart hub serve --root hub --mirror https://hub.example.org --mirror-host .example.org

    (its token, if it wants one, stands in HEADSTART_MIRROR_TOKEN)

      HF_ENDPOINT=http://127.0.0.1:7860 HF_TOKEN=… hf upload ann/model folder/
    """
    need_packages()
    from headstart.hub.actions import enforcing, limiting
    from headstart.hub.mirror.mirror import open_mirror
    from headstart.hub.mirror.wire import Wire
    from headstart.hub.serve.app import create_app
    from headstart.hub.serve.gatekeeper import Gatekeeper
    from headstart.hub.serve.rates import Measure
    from headstart.hub.serve.server import run
    from headstart.web.site import add_pages

    if studies is not None and not studies.is_dir():
        raise RequestError("the folder of studies is not there", where=str(studies))
    hub = open_at(root, database, blobs)
    if enforce is not None:
        enforcing.enforce(hub, enforce)
    limits = limiting.limit(hub, calls=calls, wrong_tokens=wrong_tokens)
    wire = mirror and Wire(
        mirror.rstrip("/"), os.environ.get("HEADSTART_MIRROR_TOKEN"), tuple(mirror_host or ())
    )
    other = open_mirror(hub, wire, mirror_only, mirror_minutes) if wire else None
    app = create_app(
        hub, address, mirror=other, measure=Measure.of(limits), gatekeeper=Gatekeeper(hub, standard)
    )
    add_pages(app, studies)
    run(app, hub, host, port)
