"""Tokens and teams: who is let in, by whoever keeps the hub."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from headstart.hub.access import owners, tokens
from headstart.hub.access.model import Asker, Role, Token
from headstart.hub.errors import ForbiddenError
from headstart.hub.hub import Hub
from headstart.hub.registry import audit
from headstart.hub.registry.names import key_of, owner_name, repo_name

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


def own_token(
    hub: Hub,
    asker: Asker,
    role: Role,
    *,
    name: str = "token",
    days: int | None = None,
    scope: tuple[str, ...] | None = None,
) -> tuple[str, Token]:
    """Make a token for the asker, which opens no more, and no longer, than the one they hold.

    Raises:
        ForbiddenError: It would open more.
        BadRequestError: A scope that is no name.
    """
    held = asker.token
    if held is None or asker.name is None:
        raise ForbiddenError("sign in to make a token")
    if role > asker.role:
        raise ForbiddenError(
            f"your token is of role '{asker.role}': it makes none of '{role}'",
            reason="token-opens-less",
        )
    for one in scope or ():
        owner, _, repo = one.partition("/")
        repo_name(owner, repo) if repo else owner_name(owner)
    scope = _within(asker.scope, scope)
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    if held.expires is not None:
        expires = min(expires or held.expires, held.expires)
    user = asker.name

    def work(connection: Connection) -> tuple[str, Token]:
        made = tokens.create(connection, user, role, name=name, expires=expires, scope=scope)
        audit.note(connection, user, "token", user, id=made[1].id, role=str(role))
        return made

    return hub.database.write(work)


def revoke_own(hub: Hub, asker: Asker, identity: str) -> bool:
    """Revoke one of the asker's tokens; return whether there was one of theirs to revoke."""
    own = hub.database.read(lambda c: tokens.of_user(c, asker.name or ""))
    if identity not in [one.id for one in own]:
        return False
    return revoke(hub, identity, str(asker.name))


def _within(held: tuple[str, ...] | None, wanted: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if held is None:
        return wanted or None
    for one in wanted or ():
        if not any(key_of(f"{one}/").startswith(key_of(f"{place}/")) for place in held):
            raise ForbiddenError(f"your token is not for '{one[:100]}'", reason="token-opens-less")
    return wanted or held


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
