"""The hub put together: its folder, its bytes, its registry."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from headstart.errors import UnwritableError
from headstart.hub.registry import settings
from headstart.hub.registry.database import Database
from headstart.hub.store.depot import depot_at
from headstart.hub.store.store import Store
from headstart.hub.xet.vault import Vault


@dataclass(frozen=True)
class Hub:
    """One installation. Safe for many threads and processes.

    Attributes:
        root: Its folder.
        database: Repos, commits, tokens, states.
        store: Bytes.
        vault: What came by Xet.
    """

    root: Path
    database: Database
    store: Store
    vault: Vault

    @cached_property
    def secret(self) -> bytes:
        """What this installation signs with."""
        return self.database.write(settings.secret)


def open_hub(root: Path, database: str | None = None, blobs: str | None = None) -> Hub:
    """Open a hub; make it where there is none.

    Args:
        root: Its folder.
        database: URL of its registry; SQLite in ``root`` if None.
        blobs: Where bytes lie, a path or an fsspec URL; in ``root`` if None.

    Raises:
        UnwritableError: The folder cannot be made or written to.
        RequestError: The database is out of reach or something else's.
    """
    root = root.expanduser().absolute()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableError(
            f"the hub's folder cannot be made: {error.strerror}", where=str(root),
            mend="name another with --root",
        ) from error  # fmt: skip
    if not os.access(root, os.W_OK):
        raise UnwritableError(
            "the hub's folder cannot be written to", where=str(root),
            mend="free the permissions there, or name another with --root",
        )  # fmt: skip
    store = Store(depot_at(blobs or str(root / "blobs")))
    return Hub(root, Database(database or root / "registry.sqlite3"), store, Vault(store))
