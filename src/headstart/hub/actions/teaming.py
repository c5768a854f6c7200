"""Teams: who belongs to them, said by their own admins."""

from __future__ import annotations

from sqlalchemy import Connection

from headstart.hub.access import owners
from headstart.hub.access.model import Asker, Role
from headstart.hub.errors import BadRequestError, ConflictError, ForbiddenError, NoRepoError
from headstart.hub.hub import Hub
from headstart.hub.registry import audit
from headstart.hub.registry.names import key_of


def may_manage(asker: Asker, team: str) -> bool:
    """Whether the asker says who belongs to a team: its admins, and those of the hub."""
    if asker.name is None or asker.scope is not None or asker.role < Role.WRITE:
        return False
    return asker.role >= Role.ADMIN or asker.teams.get(key_of(team)) == Role.ADMIN


def members(connection: Connection, asker: Asker, team: str) -> dict[str, Role]:
    """Return who belongs to a team, for those who do themselves.

    Raises:
        NoRepoError: No such team, or it is not the asker's to know.
    """
    belongs = asker.scope is None and key_of(team) in asker.teams
    known = owners.kind_of(connection, team) == owners.TEAM
    if not known or not (belongs or may_manage(asker, team)):
        raise NoRepoError(f"no team '{team[:100]}' here for you")
    return owners.members_of(connection, team)


def found(hub: Hub, asker: Asker, name: str) -> str:
    """Make a team with the asker as its admin; return its name.

    Raises:
        ForbiddenError: The asker's token only reads, or is for something else.
        ConflictError: Somebody is called so.
    """
    if asker.name is None or asker.scope is not None or asker.role < Role.WRITE:
        raise ForbiddenError("this needs a token of role 'write' that is for all of yours")
    founder = asker.name

    def work(connection: Connection) -> str:
        if owners.kind_of(connection, name) is not None:
            raise ConflictError(f"'{name}' is taken", mend="choose another name", reason="taken")
        made = owners.found_team(connection, name, founder)
        audit.note(connection, founder, "team", made)
        return made

    return hub.database.write(work)


def set_member(hub: Hub, asker: Asker, team: str, user: str, role: Role | None) -> None:
    """Let a user belong to a team as ``role``; None: no longer.

    Raises:
        NoRepoError: As :func:`members`.
        ForbiddenError: The asker is no admin of the team.
        BadRequestError: No such user, or nobody would be left to keep the team.
    """

    def work(connection: Connection) -> None:
        known = members(connection, asker, team)
        if not may_manage(asker, team):
            raise ForbiddenError(f"only admins of '{team}' say who belongs to it")
        if role is not None and owners.kind_of(connection, user) != owners.USER:
            raise BadRequestError(
                f"there is no user '{user[:100]}'",
                mend="whoever has a token is one",
                reason="no-user",
            )
        after = {**known, key_of(user): role}
        if Role.ADMIN in known.values() and Role.ADMIN not in after.values():
            raise BadRequestError(
                f"'{team}' would have no admin", mend="make another one first", reason="no-admin"
            )
        owners.set_member(connection, team, user, role)
        audit.note(
            connection, str(asker.name), "member", team, user=key_of(user),
            role=None if role is None else str(role),
        )  # fmt: skip

    hub.database.write(work)
