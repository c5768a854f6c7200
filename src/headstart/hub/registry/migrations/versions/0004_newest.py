"""The newest repos of a tag, and those of a state, are found without looking through all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Let tags know when their repos changed; index them by that, and revisions by their state."""
    op.add_column("hub_repo_tags", sa.Column("changed", sa.DateTime(), nullable=True))
    op.execute(
        "UPDATE hub_repo_tags SET changed = "
        "(SELECT changed FROM hub_repos WHERE hub_repos.id = hub_repo_tags.repo)"
    )
    op.execute("DELETE FROM hub_repo_tags WHERE changed IS NULL")  # of no repo: there are none
    with op.batch_alter_table("hub_repo_tags") as table:
        table.alter_column("changed", existing_type=sa.DateTime(), nullable=False)
    op.create_index("ix_hub_repo_tags_changed", "hub_repo_tags", ["tag", "changed", "repo"])
    op.create_index("ix_hub_revisions_state", "hub_revisions", ["state", "expires", "repo"])


def downgrade() -> None:
    """Remove both."""
    op.drop_index("ix_hub_revisions_state", "hub_revisions")
    op.drop_index("ix_hub_repo_tags_changed", "hub_repo_tags")
    with op.batch_alter_table("hub_repo_tags") as table:
        table.drop_column("changed")
