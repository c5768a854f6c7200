"""``headstart hub fsck``, ``gc`` and ``pack``: keeping a hub sound and small."""

from __future__ import annotations

from typing import Annotated

import typer

from headstart.cli import show
from headstart.cli.adapt import Json
from headstart.cli.hub.common import Blobs, Database, Name, Revision, Root, need_packages, open_at


def fsck(
    root: Root,
    database: Database = None,
    blobs: Blobs = None,
    deep: Annotated[
        bool, typer.Option("--deep", metavar="", help="Put every file together, too.")
    ] = False,
    slowly: Annotated[
        int | None,
        typer.Option("--slowly", metavar="MB", help="Read no more megabytes a second.", min=1),
    ] = None,
    json: Json = False,
) -> None:
    """Look for damage in all that the hub keeps, also while it serves; name what is hurt."""
    need_packages()
    from headstart.hub.actions import maintaining
    from headstart.hub.store.scrub import at_most

    pace = None if slowly is None else at_most(slowly * 1e6)
    found = maintaining.fsck(open_at(root, database, blobs), pace, deep=deep)
    told = {
        "well": found.well,
        "damage": [{"object": one.key, "why": one.why} for one in found.damage],
        "files": list(found.missing),
        "events": list(found.events),
    }
    if json:
        show.as_json(told)
    else:
        for one in found.damage:
            typer.echo(f"damaged: {one.key}: {one.why}")
        for file in found.missing:
            typer.echo(f"cannot be read whole: {file}")
        for event in found.events:
            typer.echo(f"the audit log was changed at entry {event}")
        if found.well:
            typer.echo("all is well")
    if not found.well:
        raise typer.Exit(1)


def gc(root: Root, database: Database = None, blobs: Blobs = None, json: Json = False) -> None:
    """Let go what no repo speaks of, four weeks after it came; safe while the hub serves."""
    need_packages()
    from headstart.hub.actions import maintaining

    files, pieces = maintaining.collect(open_at(root, database, blobs))
    if json:
        show.as_json({"files": files, "pieces": pieces})
    else:
        typer.echo(f"gone: {files:,} files, {pieces:,} pieces")


def pack(
    name: Name,
    root: Root,
    revision: Revision = "main",
    database: Database = None,
    blobs: Blobs = None,
    json: Json = False,
) -> None:
    """Keep a model's weights as differences from those of its base; they are read more slowly."""
    need_packages()
    from headstart.hub.actions import maintaining

    saved = maintaining.pack_by_name(open_at(root, database, blobs), name, revision)
    if json:
        show.as_json({"saved": saved})
    else:
        typer.echo(f"{saved:,} bytes saved")
