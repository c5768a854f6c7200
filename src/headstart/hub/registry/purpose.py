"""The hub's registry as a database."""

from __future__ import annotations

from headstart.database.purpose import Purpose
from headstart.hub.registry.tables import Table

REGISTRY = Purpose(
    what="registry",
    elsewhere="name another place with --database",
    migrations="headstart.hub.registry:migrations",
    head="0004",
    version_table="headstart_hub_version",
    metadata=Table.metadata,
)
