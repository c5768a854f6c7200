"""Pages for people who are known: strangers are asked to sign in, whatever the address."""

from __future__ import annotations

from urllib.parse import quote

from headstart.hub.access.model import Role
from headstart.hub.errors import NoRepoError
from headstart.web.faults import ElsewhereError
from headstart.web.visit import Visit


def signed_in(visit: Visit) -> str:
    """Return who looks.

    Raises:
        ElsewhereError: A stranger does; they get to sign in.
    """
    if visit.asker.name is None:
        raise ElsewhereError(f"/login?next={quote(visit.address(), safe='')}")
    return visit.asker.name


def sees_all(visit: Visit) -> bool:
    """Whether the visitor's token is for all that is theirs, not for some repos only."""
    return visit.asker.name is not None and visit.asker.scope is None


def keeper(visit: Visit) -> str:
    """Return who looks, an admin of the hub.

    Raises:
        ElsewhereError: A stranger looks.
        NoRepoError: Somebody else does.
    """
    name = signed_in(visit)
    if visit.asker.role < Role.ADMIN or not sees_all(visit):
        raise NoRepoError("nothing here for you")
    return name
