"""Runs the migrations on the connection that ``headstart.database.schema`` hands over."""

from __future__ import annotations

from alembic import context

from headstart.ledger.purpose import LEDGER

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=LEDGER.metadata,
    version_table=LEDGER.version_table,
    render_as_batch=True,  # SQLite alters a table by making it anew
)
with context.begin_transaction():
    context.run_migrations()
