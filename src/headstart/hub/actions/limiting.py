"""How often somebody may ask: said by the hub's keeper, kept with the hub."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection

from headstart.hub.actions.admitting import KEEPER
from headstart.hub.hub import Hub
from headstart.hub.registry import audit, settings


@dataclass(frozen=True)
class Limits:
    """What may be asked a minute, from other machines than the hub's own.

    Attributes:
        calls: With one token, or by one stranger's address.
        wrong_tokens: Tokens from one address that open nothing.
    """

    calls: int = 6_000
    wrong_tokens: int = 300


def limits(hub: Hub) -> Limits:
    """Return what holds."""
    return hub.database.read(_kept)


def limit(hub: Hub, *, calls: int | None = None, wrong_tokens: int | None = None) -> Limits:
    """Change what holds from the next start on; None leaves it. Return what holds now."""

    def work(connection: Connection) -> Limits:
        before = after = _kept(connection)
        if calls is not None:
            after = replace(after, calls=calls)
        if wrong_tokens is not None:
            after = replace(after, wrong_tokens=wrong_tokens)
        if after != before:
            settings.put(connection, settings.RATES, asdict(after))
            audit.note(connection, KEEPER, "limit", "-", **asdict(after))
        return after

    return hub.database.write(work)


def _kept(connection: Connection) -> Limits:
    return Limits(**settings.get(connection, settings.RATES, {}))
