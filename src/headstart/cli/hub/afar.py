"""``headstart hub push``, ``pull``, ``list``, ``show``, ``approve``: a hub at an address."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli import show
from headstart.cli.adapt import Json
from headstart.cli.afar import remote
from headstart.cli.hub.common import Name, Revision
from headstart.errors import RequestError


def push(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="E.g. a study's best/.")],
    name: Name,
    message: Annotated[str, typer.Option("--message", "-m", help="What changes.")] = "update",
    public: Annotated[
        bool, typer.Option("--public", help="Show it to all, not only to its owner's people.")
    ] = False,
    licence: Annotated[
        str | None,
        typer.Option(
            "--licence", metavar="ID",
            help="Written into the card of what was trained from nothing: mit, apache-2.0, …",
        ),
    ] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Push a folder as a draft: readers get it once it has passed the gate and is approved."""
    if licence is not None:
        _license(folder, licence)
    url = remote().push(folder, name, message=message, private=False if public else None)
    if json:
        show.as_json({"commit": url.rpartition("/")[2], "url": url})
    else:
        typer.echo(url)


def _license(folder: Path, licence: str) -> None:
    """State a licence in a folder's card.

    Raises:
        RequestError: There is no card, or it states another licence.
    """
    from headstart.files import write_text
    from headstart.report.licence import check_licence, licensed

    card, identifier = folder / "README.md", check_licence(licence)
    if not card.is_file():
        raise RequestError("there is no card to state a licence in", where=str(card))
    write_text(card, licensed(card.read_text(encoding="utf-8"), identifier))


def pull(
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME[@REVISION]", help="The model.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to.")],
    json: Json = False,
) -> None:
    """Fetch a model's files into a folder."""
    name, _, revision = name.partition("@")
    place = remote().pull(name, revision or None, out)
    if json:
        show.as_json({"folder": str(place)})
    else:
        typer.echo(str(place))


def list_models(
    words: Annotated[str, typer.Argument(metavar="[WORDS]", help="What to search for.")] = "",
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="E.g. license:mit, en, bert; repeat.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 50,
    json: Json = False,
) -> None:
    """List the models that you may see."""
    found = remote().models(words, tag, limit)
    if json:
        show.as_json(found)
        return
    for one in found:
        typer.echo(f"{one['id']:40} {one['task'] or '':24} {one['library'] or '':16}")


def show_model(
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME[@REVISION]", help="The model.")],
    json: Json = False,
) -> None:
    """Show a model: its card's data, files, and where its revisions stand."""
    name, _, revision = name.partition("@")
    found = remote().model(name, revision or None)
    if json:
        show.as_json(found)
        return
    typer.echo(f"{found['id']} at {found['commit']}")
    for key, value in found["card"].items():
        typer.echo(f"  {key}: {value}")
    for file in found["files"]:
        typer.echo(f"  {file['size'] or 0:>14,}  {file['path']}")
    for one in found["states"]:
        typer.echo(f"  {one['commit'][:7]}  {one['state']} by {one['by']}, {one['changed']}")


def approve(
    name: Name,
    revision: Revision = "main",
    json: Json = False,
) -> None:
    """Give a revision that has passed the gate to readers."""
    _say("approve", name, revision, "", json)


def retire(
    name: Name,
    revision: Revision = "approved",
    why: Annotated[str, typer.Option("--why", help="Kept in the audit log.")] = "",
    json: Json = False,
) -> None:
    """Give a revision to readers no more: there is a better one."""
    _say("retire", name, revision, why, json)


def revoke_model(
    name: Name,
    revision: Revision = "approved",
    why: Annotated[str, typer.Option("--why", help="Kept in the audit log.")] = "",
    json: Json = False,
) -> None:
    """Give a revision to nobody any more: something is wrong with it."""
    _say("revoke", name, revision, why, json)


def _say(verb: str, name: str, revision: str, why: str, json: bool) -> None:
    found = remote().say(verb, name, revision, why)
    if json:
        show.as_json(found)
    else:
        typer.echo(f"{name} at {found['commit'][:7]}: {found['state']}")
