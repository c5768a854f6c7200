"""Alembic's environment of the ledger: one file a revision under ``versions``."""
