"""Repos that are fetched from another hub say from which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the address of the hub that a repo comes from."""
    with op.batch_alter_table("hub_repos") as table:
        table.add_column(sa.Column("mirror", sa.Text(), nullable=True))


def downgrade() -> None:
    """Forget where repos come from."""
    with op.batch_alter_table("hub_repos") as table:
        table.drop_column("mirror")
