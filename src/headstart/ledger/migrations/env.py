"""Runs the migrations on the connection that ``headstart.ledger.schema`` hands over."""

from __future__ import annotations

from alembic import context

from headstart.ledger.schema import VERSION_TABLE
from headstart.ledger.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite alters a table by making it anew
)
with context.begin_transaction():
    context.run_migrations()
