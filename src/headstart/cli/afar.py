"""The hub that a command talks to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.errors import RequestError

if TYPE_CHECKING:
    from headstart.hub.client import Remote


def remote(name: str | None = None) -> Remote:
    """Return the hub that the environment names; see first that it can be pushed to.

    Raises:
        RequestError: Nothing says where it is, it does not know the token, or ``name`` is none.
        WorkError: It is out of reach.
    """
    from headstart.hub.client import Remote

    found = Remote()
    if name is not None:
        if name.count("/") != 1:
            raise RequestError(f"'{name}' is no name on a hub", mend="write owner/name")
        found.whoami()
    return found
