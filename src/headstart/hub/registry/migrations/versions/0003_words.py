"""Indexes of the words that searches look for: SQLite's FTS5, PostgreSQL's pg_trgm."""

from __future__ import annotations

from alembic import op
from sqlalchemy.exc import DBAPIError

from headstart.hub.registry.narrowing import INDEX

revision = "0003"
down_revision = "0002"

# A repo's row number in SQLite may change when the file is made smaller (VACUUM): it gets another.
_SQLITE = (
    f"CREATE TABLE {INDEX}_repos (number INTEGER PRIMARY KEY, repo VARCHAR(32) NOT NULL UNIQUE)",
    f"CREATE VIRTUAL TABLE {INDEX} USING fts5(words, tokenize='trigram')",
    f"INSERT INTO {INDEX}_repos (repo) SELECT id FROM hub_repos",
    f"INSERT INTO {INDEX} (rowid, words) SELECT number, words FROM hub_repos "
    f"JOIN {INDEX}_repos ON repo = id",
    f"""CREATE TRIGGER {INDEX}_made AFTER INSERT ON hub_repos BEGIN
        INSERT INTO {INDEX}_repos (repo) VALUES (new.id);
        INSERT INTO {INDEX} (rowid, words)
            SELECT number, new.words FROM {INDEX}_repos WHERE repo = new.id;
    END""",
    f"""CREATE TRIGGER {INDEX}_changed AFTER UPDATE OF words ON hub_repos
        WHEN new.words IS NOT old.words BEGIN
        UPDATE {INDEX} SET words = new.words
            WHERE rowid = (SELECT number FROM {INDEX}_repos WHERE repo = new.id);
    END""",
)
_POSTGRES = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    f"CREATE INDEX ix_{INDEX} ON hub_repos USING gin (words gin_trgm_ops)",
)


def upgrade() -> None:
    """Make the index; a PostgreSQL that has no pg_trgm, or forbids it, searches without."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for statement in _SQLITE:
            connection.exec_driver_sql(statement)
        return
    try:
        with connection.begin_nested():
            for statement in _POSTGRES:
                connection.exec_driver_sql(statement)
    except DBAPIError:
        pass


def downgrade() -> None:
    """Remove the index."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for kind, name in (("TRIGGER", "_made"), ("TRIGGER", "_changed"), ("TABLE", "_repos"),
                           ("TABLE", "")):  # fmt: skip
            connection.exec_driver_sql(f"DROP {kind} {INDEX}{name}")
    else:
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS ix_{INDEX}")
