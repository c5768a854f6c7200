"""``headstart hub gate`` and ``import``: verdicts on what is here, and on what comes in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli import show
from headstart.cli.adapt import Json
from headstart.cli.faults import remember
from headstart.cli.hub.common import Blobs, Database, Name, Revision, Root, need_packages, open_at
from headstart.cli.progress import watcher

if TYPE_CHECKING:
    from headstart.hub.gate.gate import Evidence

Standard = Annotated[
    Path | None,
    typer.Option("--standard", metavar="FILE", help="What it must hold. \\[a packaged one]"),
]


def gate(
    context: typer.Context,
    name: Name,
    root: Root,
    revision: Revision = "main",
    standard: Standard = None,
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
        _tell(evidence, f"{name} at {commit.id[:7]}")
    if not evidence.passed:
        raise typer.Exit(1)


def import_(
    context: typer.Context,
    reference: Annotated[
        str,
        typer.Argument(metavar="REF", help="hf:org/name@revision, timm:name, local:FOLDER, …"),
    ],
    root: Root,
    name: Annotated[
        str | None,
        typer.Option("--as", metavar="OWNER/NAME", help="Its name here. \\[as it is there]"),
    ] = None,
    standard: Standard = None,
    database: Database = None,
    blobs: Blobs = None,
    json: Json = False,
) -> None:
    """Bring in a base from outside as a draft, run nothing of it, and let the gate judge it.

    Weights come as safetensors or GGUF, with configurations, tokenizers and the card; what else
    lies there is named and left out. Readers see nothing of it before it is approved.
    """
    remember(context, None)
    need_packages()
    from headstart.hub.actions import importing

    hub = open_at(root, database, blobs)
    with watcher(json) as progress:
        found = importing.import_base(hub, reference, name, standard, progress)
    if json:
        show.as_json(
            {
                "name": found.name, "commit": found.commit.id, "source": found.source,
                "revision": found.revision, "left_out": list(found.left_out),
                **found.evidence.to_json(),
            }
        )  # fmt: skip
    else:
        for path in found.left_out:
            typer.echo(f"left out: {path}")
        _tell(found.evidence, f"{found.name} at {found.commit.id[:7]}, from {found.source},")
    if not found.evidence.passed:
        raise typer.Exit(1)


def record(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A model's files.")],
    base: Annotated[
        Path | None,
        typer.Option("--base", metavar="DIR", help="A peft adapter's base. \\[none]"),
    ] = None,
    json: Json = False,
) -> None:
    """Record what a model says of a few inputs; the gate sees whether it still does.

    What headstart adapts has it already.
    """
    need_packages()
    from headstart.hub.actions.recording import record as record_in

    count = record_in(folder, base)
    place = folder / "predictions.json"
    if json:
        show.as_json({"file": str(place), "samples": count})
    else:
        typer.echo(f"{place}: {count} predictions")


def _tell(evidence: Evidence, what: str) -> None:
    for found in evidence.findings:
        typer.echo(f"{'passed' if found.passed else 'FAILED':7} {found.check}: {found.words}")
    typer.echo(f"{what} {'may be approved' if evidence.passed else 'is refused'}")
