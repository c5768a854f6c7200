"""Alembic's environment of the hub's registry: one file a revision under ``versions``."""
