"""Tokens and teams: who is let in, by whoever keeps the hub."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from headstart.hub.access import owners, tokens
from headstart.hub.access.model import Role, Token
from headstart.hub.hub import Hub
from headstart.hub.registry import audit

KEEPER = "-"  # who works at the hub's own folder: no user's name


def token(
    hub: Hub,
    user: str,
    role: str,
    *,
    name: str = "token",
    days: int | None = None,
    scope: tuple[str, ...] | None = None,
    teams: tuple[str, ...] = (),
) -> tuple[str, Token]:
    """Make a token, its user and their teams where there are none; return its text and itself.

    Args:
        hub: The hub.
        user: Whose it is.
        role: The most that it allows.
        name: What it is for.
        days: How long it opens anything; None: until it is revoked.
        scope: Namespaces and repos that it is for; None: all of the user's.
        teams: Teams that the user joins in this role.
    """
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)

    def work(connection: Connection) -> tuple[str, Token]:
        known = owners.ensure_user(connection, user)
        for team in teams:
            owners.found_team(connection, team, None)
            owners.set_member(connection, team, known, Role.of(role))
        made = tokens.create(
            connection, known, Role.of(role), name=name, expires=expires, scope=scope
        )
        audit.note(connection, KEEPER, "token", known, id=made[1].id, role=role)
        return made

    return hub.database.write(work)


def revoke(hub: Hub, identity: str, by: str = KEEPER) -> bool:
    """Revoke a token; return whether there was one to revoke."""

    def work(connection: Connection) -> bool:
        done = tokens.revoke(connection, identity)
        if done:
            audit.note(connection, by, "revoke token", identity)
        return done

    return hub.database.write(work)


def team(
    hub: Hub, name: str, add: tuple[str, ...], remove: tuple[str, ...], role: str
) -> dict[str, str]:
    """Make a team where there is none, let users join and leave; return its members' roles."""

    def work(connection: Connection) -> dict[str, str]:
        found = owners.found_team(connection, name, None)
        for user in add:
            known = owners.ensure_user(connection, user)
            owners.set_member(connection, found, known, Role.of(role))
        for user in remove:
            owners.set_member(connection, found, user, None)
        audit.note(connection, KEEPER, "team", found, add=list(add), remove=list(remove))
        return {user: str(part) for user, part in owners.members_of(connection, found).items()}

    return hub.database.write(work)
