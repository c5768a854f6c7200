"""The ledger as a database."""

from __future__ import annotations

from headstart.database.purpose import Purpose
from headstart.ledger.tables import Table

LEDGER = Purpose(
    what="ledger",
    elsewhere="set HEADSTART_LEDGER to another place, or to 'none'",
    migrations="headstart.ledger:migrations",
    head="0001",
    version_table="headstart_ledger_version",
    metadata=Table.metadata,
    root="a task",
)
