"""Tasks and their summaries, trials and their predictions, studies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    _tasks()
    _summaries()
    _trials()
    _predictions()
    _studies()


def downgrade() -> None:
    """Remove all tables."""
    for table in ("studies", "predictions", "trials", "task_summaries", "tasks"):
        op.drop_table(table)


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("fingerprint", sa.String(200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("modality", sa.String(200), nullable=False),
        sa.Column("metric", sa.String(200), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("classes", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_tasks"),
    )


def _summaries() -> None:
    op.create_table(
        "task_summaries",
        sa.Column("task_fingerprint", sa.String(200), nullable=False),
        sa.Column("base_revision", sa.String(200), nullable=False),
        sa.Column("format", sa.BigInteger(), nullable=False),
        sa.Column("dimension", sa.BigInteger(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("task_fingerprint", "base_revision", name="pk_task_summaries"),
        sa.ForeignKeyConstraint(
            ["task_fingerprint"],
            ["tasks.fingerprint"],
            name="fk_task_summaries_task_fingerprint",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_task_summaries_base", "task_summaries", ["base_revision", "format", "dimension"]
    )


def _trials() -> None:
    op.create_table(
        "trials",
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("task_fingerprint", sa.String(200), nullable=False),
        sa.Column("base", sa.Text()),
        sa.Column("base_revision", sa.String(200)),
        sa.Column("method", sa.String(200), nullable=False),
        sa.Column("hyperparameters", sa.JSON(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("steps", sa.BigInteger()),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("score", sa.Double()),
        sa.Column("metric", sa.String(200), nullable=False),
        sa.Column("flop", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_trials"),
        sa.ForeignKeyConstraint(
            ["task_fingerprint"], ["tasks.fingerprint"], name="fk_trials_task_fingerprint"
        ),
    )
    op.create_index(
        "ix_trials_outcomes",
        "trials",
        ["task_fingerprint", "metric", "method", "base_revision", "score", "flop", "key"],
    )
    op.create_index("ix_trials_cost", "trials", ["flop", "seconds"])


def _predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("trial_key", sa.String(32), nullable=False),
        sa.Column("part", sa.String(200), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("trial_key", "part", name="pk_predictions"),
        sa.ForeignKeyConstraint(
            ["trial_key"], ["trials.key"], name="fk_predictions_trial_key", ondelete="CASCADE"
        ),
    )


def _studies() -> None:
    op.create_table(
        "studies",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("task_fingerprint", sa.String(200), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("flop", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_studies"),
        sa.ForeignKeyConstraint(
            ["task_fingerprint"], ["tasks.fingerprint"], name="fk_studies_task_fingerprint"
        ),
    )
    op.create_index("ix_studies_task_fingerprint", "studies", ["task_fingerprint"])
