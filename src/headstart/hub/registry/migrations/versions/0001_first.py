"""Owners and tokens, repos, commits, refs, states, the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    _owners()
    _members()
    _tokens()
    _repos()
    _names()
    _repo_tags()
    _commits()
    _entries()
    _refs()
    _uploads()
    _revisions()
    _events()
    _settings()


def downgrade() -> None:
    """Remove all tables."""
    for table in (
        "hub_settings",
        "hub_events",
        "hub_revisions",
        "hub_uploads",
        "hub_refs",
        "hub_entries",
        "hub_commits",
        "hub_repo_tags",
        "hub_names",
        "hub_repos",
        "hub_tokens",
        "hub_members",
        "hub_owners",
    ):
        op.drop_table(table)


def _owners() -> None:
    op.create_table(
        "hub_owners",
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_hub_owners"),
    )


def _members() -> None:
    op.create_table(
        "hub_members",
        sa.Column("team", sa.String(200), nullable=False),
        sa.Column("user", sa.String(200), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("team", "user", name="pk_hub_members"),
    )
    op.create_index("ix_hub_members_user", "hub_members", ["user"])


def _tokens() -> None:
    op.create_table(
        "hub_tokens",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("user", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("scope", sa.JSON()),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("expires", sa.DateTime()),
        sa.Column("revoked", sa.DateTime()),
        sa.PrimaryKeyConstraint("digest", name="pk_hub_tokens"),
        sa.UniqueConstraint("id", name="uq_hub_tokens_id"),
    )
    op.create_index("ix_hub_tokens_user", "hub_tokens", ["user"])


def _repos() -> None:
    op.create_table(
        "hub_repos",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("changed", sa.DateTime(), nullable=False),
        sa.Column("gone", sa.DateTime()),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("downloads", sa.BigInteger(), nullable=False),
        sa.Column("library", sa.String(200)),
        sa.Column("pipeline", sa.String(200)),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("parameters", sa.BigInteger()),
        sa.Column("card", sa.JSON(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hub_repos"),
    )
    op.create_index("ix_hub_repos_changed", "hub_repos", ["kind", "changed", "id"])
    op.create_index("ix_hub_repos_created", "hub_repos", ["kind", "created", "id"])
    op.create_index("ix_hub_repos_downloads", "hub_repos", ["kind", "downloads", "id"])
    op.create_index("ix_hub_repos_owner", "hub_repos", ["kind", "owner"])
    op.create_index("ix_hub_repos_size", "hub_repos", ["kind", "size", "id"])


def _names() -> None:
    op.create_table(
        "hub_names",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("key", sa.String(400), nullable=False),
        sa.Column("repo", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name="pk_hub_names"),
    )


def _repo_tags() -> None:
    op.create_table(
        "hub_repo_tags",
        sa.Column("tag", sa.String(200), nullable=False),
        sa.Column("repo", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("tag", "repo", name="pk_hub_repo_tags"),
    )
    op.create_index("ix_hub_repo_tags_repo", "hub_repo_tags", ["repo", "tag"])


def _commits() -> None:
    op.create_table(
        "hub_commits",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("repo", sa.String(32), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("parent", sa.String(40)),
        sa.Column("tree", sa.String(40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hub_commits"),
    )
    op.create_index("ix_hub_commits_repo", "hub_commits", ["repo", "serial"], unique=True)


def _entries() -> None:
    op.create_table(
        "hub_entries",
        sa.Column("tree", sa.String(40), nullable=False),
        sa.Column("path", sa.String(1024), nullable=False),
        sa.Column("oid", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("large", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tree", "path", name="pk_hub_entries"),
    )
    op.create_index("ix_hub_entries_sha256", "hub_entries", ["sha256"])


def _refs() -> None:
    op.create_table(
        "hub_refs",
        sa.Column("repo", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("head", sa.String(40), nullable=False),
        sa.Column("published", sa.String(40)),
        sa.PrimaryKeyConstraint("repo", "kind", "name", name="pk_hub_refs"),
    )


def _uploads() -> None:
    op.create_table(
        "hub_uploads",
        sa.Column("repo", sa.String(32), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("user", sa.String(200), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("repo", "sha256", name="pk_hub_uploads"),
    )


def _revisions() -> None:
    op.create_table(
        "hub_revisions",
        sa.Column("repo", sa.String(32), nullable=False),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("tree", sa.String(40), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("evidence", sa.JSON()),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("changed", sa.DateTime(), nullable=False),
        sa.Column("expires", sa.DateTime()),
        sa.PrimaryKeyConstraint("repo", "commit", name="pk_hub_revisions"),
    )


def _events() -> None:
    op.create_table(
        "hub_events",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("what", sa.String(64), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hub_events"),
    )


def _settings() -> None:
    op.create_table(
        "hub_settings",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_hub_settings"),
    )
