"""Whether readers of models get what is approved only: said by the hub's keeper."""

from __future__ import annotations

from sqlalchemy import Connection

from headstart.hub.actions.admitting import KEEPER
from headstart.hub.hub import Hub
from headstart.hub.registry import audit, settings


def enforce(hub: Hub, enforced: bool) -> None:
    """Give readers what is approved only; or, if not ``enforced``, the newest not found bad."""

    def work(connection: Connection) -> None:
        if settings.enforced(connection) != enforced:
            settings.put(connection, settings.ENFORCE, enforced)
            audit.note(connection, KEEPER, "enforce", "-", enforced=enforced)

    hub.database.write(work)
