"""``headstart hub token`` and ``team``: who is let in, said by the hub's keeper."""

from __future__ import annotations

from typing import Annotated

import typer

from headstart.cli import show
from headstart.cli.adapt import Json
from headstart.cli.hub.common import ROLES, Database, Root, check_role, need_packages, open_at
from headstart.errors import RequestError


def create(
    root: Root,
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="Whose it is.")],
    role: Annotated[
        str, typer.Option("--role", metavar="ROLE", help=f"One of {', '.join(ROLES)}.")
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
    need_packages()
    from headstart.hub.actions import admitting

    check_role(role)
    hub = open_at(root, database)
    text, made = admitting.token(
        hub, user, role, name=name, days=days, scope=tuple(scope) if scope else None,
        teams=tuple(team or ()),
    )  # fmt: skip
    if json:
        show.as_json({"token": text, "id": made.id, "user": made.user, "role": str(made.role)})
        return
    typer.echo(text)
    typer.echo(f"for {made.user}, role {made.role}; shown this once. Use it as HF_TOKEN", err=True)


def list_(root: Root, database: Database = None, json: Json = False) -> None:
    """List tokens; what opens is never shown again."""
    need_packages()
    from headstart.hub.access import tokens
    from headstart.hub.serve.objects import time_text

    found = open_at(root, database).database.read(tokens.of_user)
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


def revoke(
    root: Root,
    identity: Annotated[str, typer.Argument(metavar="ID", help="As the list shows it.")],
    database: Database = None,
) -> None:
    """Revoke a token, at once."""
    need_packages()
    from headstart.hub.actions import admitting

    if not admitting.revoke(open_at(root, database), identity):
        raise RequestError(f"no token '{identity}' to revoke", mend="headstart hub token list")


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
    need_packages()
    from headstart.hub.actions import admitting

    check_role(role)
    hub = open_at(root, database)
    found = admitting.team(hub, name, tuple(add or ()), tuple(remove or ()), role)
    if json:
        show.as_json({"team": name, "members": found})
    else:
        for user, part in found.items():
            typer.echo(f"{user:30} {part}")
