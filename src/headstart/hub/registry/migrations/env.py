"""Runs the migrations on the connection that ``headstart.database.schema`` hands over."""

from __future__ import annotations

from alembic import context

from headstart.hub.registry.purpose import REGISTRY

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=REGISTRY.metadata,
    version_table=REGISTRY.version_table,
    render_as_batch=True,  # SQLite alters a table by making it anew
)
with context.begin_transaction():
    context.run_migrations()
