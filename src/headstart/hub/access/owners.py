"""Users and teams: the namespaces in which repos lie."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, select

from headstart.hub.access.model import Role
from headstart.hub.errors import ConflictError
from headstart.hub.registry.names import key_of, owner_name
from headstart.hub.registry.tables import MemberTable, OwnerTable

USER, TEAM, MIRROR = "user", "team", "mirror"


def kind_of(connection: Connection, name: str) -> str | None:
    """Return whether ``name`` is a user, a team or mirrored; None where nobody is called so."""
    return connection.execute(
        select(OwnerTable.kind).where(OwnerTable.key == key_of(name))
    ).scalar()


def ensure_user(connection: Connection, name: str) -> str:
    """Return the user's name as it was first written; make the user where there is none.

    Raises:
        BadRequestError: Nobody may be called so.
        ConflictError: A team is called so.
    """
    return _ensure(connection, name, USER)


def found_team(connection: Connection, name: str, founder: str | None) -> str:
    """Return the team's name; where there is none, make it, with its founder as admin.

    Raises:
        BadRequestError: No team may be called so.
        ConflictError: A user is called so.
    """
    fresh = kind_of(connection, name) is None
    found = _ensure(connection, name, TEAM)
    if fresh and founder is not None:
        set_member(connection, found, founder, Role.ADMIN)
    return found


def set_aside(connection: Connection, name: str) -> str:
    """Keep a namespace for what is mirrored; return its name as it was first written.

    Raises:
        BadRequestError: No namespace may be called so.
        ConflictError: A user or a team is called so.
    """
    return _ensure(connection, name, MIRROR)


def set_member(connection: Connection, team: str, user: str, role: Role | None) -> None:
    """Let a user belong to a team as ``role``; None: no longer."""
    team, key = key_of(team), key_of(user)
    connection.execute(delete(MemberTable).where(MemberTable.team == team, MemberTable.user == key))
    if role is not None:
        connection.execute(insert(MemberTable).values(team=team, user=key, role=str(role)))


def teams_of(connection: Connection, user: str) -> dict[str, Role]:
    """Return the teams a user belongs to, by their keys, and as what."""
    rows = connection.execute(
        select(MemberTable.team, MemberTable.role).where(MemberTable.user == key_of(user))
    )
    return {row.team: Role.of(row.role) for row in rows}


def members_of(connection: Connection, team: str) -> dict[str, Role]:
    """Return who belongs to a team, and as what."""
    rows = connection.execute(
        select(MemberTable.user, MemberTable.role)
        .where(MemberTable.team == key_of(team))
        .order_by(MemberTable.user)
    )
    return {row.user: Role.of(row.role) for row in rows}


def all_teams(connection: Connection) -> list[str]:
    """Return every team's name."""
    query = select(OwnerTable.name).where(OwnerTable.kind == TEAM).order_by(OwnerTable.key)
    return list(connection.execute(query).scalars())


def _ensure(connection: Connection, name: str, kind: str) -> str:
    row = connection.execute(
        select(OwnerTable.name, OwnerTable.kind).where(OwnerTable.key == key_of(name))
    ).first()
    if row is not None:
        if row.kind != kind:
            what = "mirrored from another hub" if row.kind == MIRROR else f"a {row.kind}"
            raise ConflictError(f"'{row.name}' is {what}", mend="choose another name")
        return str(row.name)
    owner_name(name)
    connection.execute(
        insert(OwnerTable).values(key=key_of(name), name=name, kind=kind, created=datetime.now(UTC))
    )
    return name
