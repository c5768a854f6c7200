"""Settings of an installation, kept with its registry."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Connection, insert, select, update

from headstart.hub.registry.tables import SettingTable

SECRET = "secret"
ENFORCE = "enforce"
RATES = "rates"


def get(connection: Connection, key: str, default: Any = None) -> Any:
    """Return a setting, or ``default``."""
    row = connection.execute(select(SettingTable.value).where(SettingTable.key == key)).first()
    return default if row is None else row.value


def put(connection: Connection, key: str, value: Any) -> None:
    """Keep a setting."""
    done = connection.execute(
        update(SettingTable).where(SettingTable.key == key).values(value=value)
    )
    if not done.rowcount:
        connection.execute(insert(SettingTable).values(key=key, value=value))


def enforced(connection: Connection) -> bool:
    """Whether readers of models get what is approved only, which is so unless somebody said not."""
    return bool(get(connection, ENFORCE, True))


def secret(connection: Connection) -> bytes:
    """Return what the installation signs with; made at its first use."""
    found = get(connection, SECRET)
    if found is None:
        found = secrets.token_hex(32)
        put(connection, SECRET, found)
    return bytes.fromhex(found)
