"""``headstart hub gate``: the verdict on a revision."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli import show
from headstart.cli.adapt import Json
from headstart.cli.faults import remember
from headstart.cli.hub.common import Blobs, Database, Name, Revision, Root, need_packages, open_at
from headstart.cli.progress import watcher


def gate(
    context: typer.Context,
    name: Name,
    root: Root,
    revision: Revision = "main",
    standard: Annotated[
        Path | None,
        typer.Option("--standard", metavar="FILE", help="What it must hold. \\[a packaged one]"),
    ] = None,
    database: Database = None,
    blobs: Blobs = None,
    json: Json = False,
) -> None:
    """Let a revision prove itself: every check of a standard, each in a process of its own.

    Exit code 0: it may be approved. 1: it is refused; readers see nothing of it.
    """
    remember(context, None)
    need_packages()
    from headstart.hub.actions import gating

    hub = open_at(root, database, blobs)
    with watcher(json) as progress:
        commit, evidence = gating.judge_by_name(hub, name, revision, standard, progress)
    if json:
        show.as_json({"commit": commit.id, **evidence.to_json()})
    else:
        for found in evidence.findings:
            typer.echo(f"{'passed' if found.passed else 'FAILED':7} {found.check}: {found.words}")
        verdict = "may be approved" if evidence.passed else "is refused"
        typer.echo(f"{name} at {commit.id[:7]} {verdict}")
    if not evidence.passed:
        raise typer.Exit(1)
