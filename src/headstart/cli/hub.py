"""``headstart hub``: an internal home for models, which the usual clients can use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli import show
from headstart.cli.adapt import Json
from headstart.cli.afar import remote
from headstart.cli.faults import remember
from headstart.cli.progress import watcher
from headstart.errors import RequestError, nearest

if TYPE_CHECKING:
    from headstart.hub.hub import Hub

app = typer.Typer(
    no_args_is_help=True, help="A home for models that are checked: serve, token, team, list."
)
token = typer.Typer(no_args_is_help=True, help="Tokens: create, list, revoke.")
app.add_typer(token, name="token")

Root = Annotated[
    Path, typer.Option("--root", metavar="DIR", help="The hub's folder.", show_default=False)
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", help="Its registry: postgresql://… \\[SQLite in DIR]"
    ),
]
Blobs = Annotated[
    str | None,
    typer.Option(
        "--blobs", metavar="PLACE", help="Its bytes: a folder, or s3://… and the like. \\[in DIR]"
    ),
]
Revision = Annotated[str, typer.Option("--revision", help="Branch, tag or commit.")]
_ROLES = ("read", "write", "approve", "admin")


@app.command()
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
    _need_packages()
    from headstart.hub.serve.app import create_app
    from headstart.hub.serve.server import run
    from headstart.web.site import add_pages

    if studies is not None and not studies.is_dir():
        raise RequestError("the folder of studies is not there", where=str(studies))
    hub = _open(root, database, blobs)
    app = create_app(hub, address)
    add_pages(app, studies)
    run(app, hub, host, port)


@token.command("create")
def create(
    root: Root,
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="Whose it is.")],
    role: Annotated[
        str, typer.Option("--role", metavar="ROLE", help=f"One of {', '.join(_ROLES)}.")
    ] = "read",
    name: Annotated[str, typer.Option("--name", help="What it is for.")] = "token",
    days: Annotated[
        int | None, typer.Option("--days", help="How long it opens anything. \\[for good]", min=0)
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="NAME", help="A namespace or repo it is for. \\[all]"),
    ] = None,
    team: Annotated[
        list[str] | None,
        typer.Option("--team", metavar="NAME", help="A team that the user joins, in this role."),
    ] = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Make a token; it is shown this once. Works before the first start, too."""
    _need_packages()
    from headstart.hub.actions import admitting

    if role not in _ROLES:
        raise RequestError(f"unknown role '{role}'", mend=nearest(role, _ROLES))
    hub = _open(root, database)
    text, made = admitting.token(
        hub, user, role, name=name, days=days, scope=tuple(scope) if scope else None,
        teams=tuple(team or ()),
    )  # fmt: skip
    if json:
        show.as_json({"token": text, "id": made.id, "user": made.user, "role": str(made.role)})
        return
    typer.echo(text)
    typer.echo(f"for {made.user}, role {made.role}; shown this once. Use it as HF_TOKEN", err=True)


@token.command("list")
def list_(root: Root, database: Database = None, json: Json = False) -> None:
    """List tokens; what opens is never shown again."""
    _need_packages()
    from headstart.hub.access import tokens
    from headstart.hub.serve.objects import time_text

    found = _open(root, database).database.read(tokens.of_user)
    rows = [
        {
            "id": one.id, "user": one.user, "role": str(one.role), "name": one.name,
            "created": time_text(one.created),
            "expires": time_text(one.expires) if one.expires else None,
            "revoked": time_text(one.revoked) if one.revoked else None,
        }
        for one in found
    ]  # fmt: skip
    if json:
        show.as_json(rows)
        return
    for row in rows:
        state = "revoked" if row["revoked"] else f"until {row['expires'] or 'revoked'}"
        typer.echo(f"{row['id']}  {row['user']:20} {row['role']:8} {row['name']:20} {state}")


@token.command("revoke")
def revoke(
    root: Root,
    identity: Annotated[str, typer.Argument(metavar="ID", help="As the list shows it.")],
    database: Database = None,
) -> None:
    """Revoke a token, at once."""
    _need_packages()
    from headstart.hub.actions import admitting

    if not admitting.revoke(_open(root, database), identity):
        raise RequestError(f"no token '{identity}' to revoke", mend="headstart hub token list")


@app.command()
def push(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="E.g. a study's best/.")],
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The model.")],
    message: Annotated[str, typer.Option("--message", "-m", help="What changes.")] = "update",
    public: Annotated[
        bool, typer.Option("--public", help="Show it to all, not only to its owner's people.")
    ] = False,
    json: Json = False,
) -> None:
    """Push a folder as a draft: readers get it once it has passed the gate and is approved."""
    url = remote().push(folder, name, message=message, private=False if public else None)
    if json:
        show.as_json({"commit": url.rpartition("/")[2], "url": url})
    else:
        typer.echo(url)


@app.command()
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


@app.command("list")
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


@app.command("show")
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


@app.command()
def gate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The model.")],
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
    _need_packages()
    from headstart.hub.actions import gating

    hub = _open(root, database, blobs)
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


@app.command()
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
    _need_packages()
    from headstart.hub.actions.recording import record as record_in

    count = record_in(folder, base)
    place = folder / "predictions.json"
    if json:
        show.as_json({"file": str(place), "samples": count})
    else:
        typer.echo(f"{place}: {count} predictions")


@app.command()
def approve(
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The model.")],
    revision: Revision = "main",
    json: Json = False,
) -> None:
    """Give a revision that has passed the gate to readers."""
    _say("approve", name, revision, "", json)


@app.command()
def retire(
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The model.")],
    revision: Revision = "approved",
    why: Annotated[str, typer.Option("--why", help="Kept in the audit log.")] = "",
    json: Json = False,
) -> None:
    """Give a revision to readers no more: there is a better one."""
    _say("retire", name, revision, why, json)


@app.command("revoke")
def revoke_model(
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The model.")],
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


@app.command()
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
    _need_packages()
    from headstart.hub.actions import maintaining
    from headstart.hub.store.scrub import at_most

    pace = None if slowly is None else at_most(slowly * 1e6)
    found = maintaining.fsck(_open(root, database, blobs), pace, deep=deep)
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


@app.command()
def gc(root: Root, database: Database = None, blobs: Blobs = None, json: Json = False) -> None:
    """Let go what no repo speaks of, four weeks after it came; safe while the hub serves."""
    _need_packages()
    from headstart.hub.actions import maintaining

    files, pieces = maintaining.collect(_open(root, database, blobs))
    if json:
        show.as_json({"files": files, "pieces": pieces})
    else:
        typer.echo(f"gone: {files:,} files, {pieces:,} pieces")


@app.command()
def pack(
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The model.")],
    root: Root,
    revision: Revision = "main",
    database: Database = None,
    blobs: Blobs = None,
    json: Json = False,
) -> None:
    """Keep a model's weights as differences from those of its base; they are read more slowly."""
    _need_packages()
    from headstart.hub.actions import maintaining

    saved = maintaining.pack_by_name(_open(root, database, blobs), name, revision)
    if json:
        show.as_json({"saved": saved})
    else:
        typer.echo(f"{saved:,} bytes saved")


@app.command()
def team(
    name: Annotated[str, typer.Argument(metavar="TEAM", help="A namespace that people share.")],
    root: Root,
    add: Annotated[
        list[str] | None, typer.Option("--add", metavar="USER", help="Who joins; repeat.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="USER", help="Who leaves; repeat.")
    ] = None,
    role: Annotated[
        str, typer.Option("--role", metavar="ROLE", help="What who joins may do there.")
    ] = "write",
    database: Database = None,
    json: Json = False,
) -> None:
    """Make a team, let users join or leave it, and show who belongs to it."""
    _need_packages()
    from headstart.hub.actions import admitting

    if role not in _ROLES:
        raise RequestError(f"unknown role '{role}'", mend=nearest(role, _ROLES))
    hub = _open(root, database)
    found = admitting.team(hub, name, tuple(add or ()), tuple(remove or ()), role)
    if json:
        show.as_json({"team": name, "members": found})
    else:
        for user, part in found.items():
            typer.echo(f"{user:30} {part}")


def _open(root: Path, database: str | None, blobs: str | None = None) -> Hub:
    from headstart.hub.hub import open_hub

    return open_hub(root, database, blobs)


def _need_packages() -> None:
    from importlib.util import find_spec

    for package in ("fastapi", "uvicorn", "blake3", "zstandard", "lz4"):
        if find_spec(package) is None:
            raise RequestError(
                f"the hub needs the package {package}", mend="pip install 'headstart[hub]'"
            )
