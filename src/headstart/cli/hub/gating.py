"""``headstart hub gate`` and ``import``: verdicts on what is here, and on what comes in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli import show
from headstart.cli.adapt import Json
from headstart.cli.afar import remote
from headstart.cli.faults import remember
from headstart.cli.hub.common import Blobs, Database, Name, Revision, Root, need_packages, open_at
from headstart.cli.progress import watcher
from headstart.errors import RequestError, WorkError
from headstart.progress import Progress

if TYPE_CHECKING:
    from headstart.hub.gate.gate import Evidence
    from headstart.hub.hub import Hub

_ASK_AGAIN = 0.5  # seconds

Standard = Annotated[
    Path | None,
    typer.Option("--standard", metavar="FILE", help="What it must hold. \\[a packaged one]"),
]


def gate(
    context: typer.Context,
    name: Name,
    root: Annotated[
        Path | None,
        typer.Option("--root", metavar="DIR", help="The hub's folder. \\[the hub at HF_ENDPOINT]"),
    ] = None,
    revision: Revision = "main",
    standard: Standard = None,
    database: Database = None,
    blobs: Blobs = None,
    json: Json = False,
) -> None:
    """Let a revision prove itself: every check of a standard, each in a process of its own.

    With the hub's folder it is judged here; else the hub at HF_ENDPOINT is asked to judge it by
    its own standard (of [bold]hub serve --standard[/bold]).

    Exit code 0: it may be approved. 1: it is refused; readers see nothing of it.
    """
    remember(context, None)
    with watcher(json) as progress:
        if root is None:
            _refuse_local(standard=standard, database=database, blobs=blobs)
            commit, evidence = _judged_afar(name, revision, progress)
        else:
            commit, evidence = _judged_here(
                open_at(root, database, blobs), name, revision, standard, progress
            )
    if json:
        show.as_json({"commit": commit, **evidence.to_json()})
    else:
        _tell(evidence, f"{name} at {commit[:7]}")
    if not evidence.passed:
        raise typer.Exit(1)


def _judged_here(
    hub: Hub, name: str, revision: str, standard: Path | None, progress: Progress
) -> tuple[str, Evidence]:
    from headstart.hub.actions import gating

    commit, evidence = gating.judge_by_name(hub, name, revision, standard, progress)
    return commit.id, evidence


def _judged_afar(name: str, revision: str, progress: Progress) -> tuple[str, Evidence]:
    """Have the hub judge; wait for it.

    Raises:
        WorkError: It could not.
    """
    from headstart.hub.gate.gate import Evidence

    hub = remote()
    told = hub.have_judged(name, revision)
    commit = str(told["commit"])
    progress.say(f"the hub judges {name} at {commit[:7]} by its standard '{told['standard']}'")
    while told["judging"]:
        time.sleep(_ASK_AGAIN)
        told = hub.judged(name, commit)
    if told["fault"]:
        raise WorkError(f"the hub could not judge it: {told['fault']}", where=hub.endpoint)
    for one in hub.states(name):
        if one["commit"] == commit and one["evidence"]:
            kept = one["evidence"]  # the hub keeps the standard's rules in place of its name
            return commit, Evidence.from_json({**kept, "standard": told["standard"]})
    raise WorkError(
        "the hub stopped before it had judged it", where=hub.endpoint, mend="ask once more"
    )


def _refuse_local(**options: object) -> None:
    """Refuse what only makes sense beside the hub's folder.

    Raises:
        RequestError: One is given.
    """
    for name, value in options.items():
        if value is not None:
            raise RequestError(
                f"--{name} needs the hub's folder", where=f"--{name}",
                mend="name it with --root; the hub at HF_ENDPOINT has a standard of its own",
            )  # fmt: skip


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
