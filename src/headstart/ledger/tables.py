"""The ledger's tables, as SQLAlchemy types; the migrations make the same ones."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from headstart.database.columns import Utc

KEY_LENGTH = 32
WORD_LENGTH = 200  # of names in an index: PostgreSQL has no index entries over some 2,700 bytes


class Table(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class TaskTable(Table):
    """Every task that was ever studied. ``rows``: of all parts; ``classes``: 0 if none."""

    __tablename__ = "tasks"

    fingerprint: Mapped[str] = mapped_column(String(WORD_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(WORD_LENGTH))
    modality: Mapped[str] = mapped_column(String(WORD_LENGTH))
    metric: Mapped[str] = mapped_column(String(WORD_LENGTH))
    rows: Mapped[int] = mapped_column(BigInteger)
    classes: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[datetime] = mapped_column(Utc)


class SummaryTable(Table):
    """Feature statistics of a task on a base: ``vector`` is ``dimension`` little-endian float32.

    Only summaries of one ``format`` (``distance.FORMAT``) may be compared.
    """

    __tablename__ = "task_summaries"
    # Counts the comparable summaries of a base without reading them.
    __table_args__ = (Index("ix_task_summaries_base", "base_revision", "format", "dimension"),)

    task_fingerprint: Mapped[str] = mapped_column(
        ForeignKey("tasks.fingerprint", ondelete="CASCADE"), primary_key=True
    )
    base_revision: Mapped[str] = mapped_column(String(WORD_LENGTH), primary_key=True)
    format: Mapped[int] = mapped_column(BigInteger)
    dimension: Mapped[int] = mapped_column(BigInteger)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class TrialTable(Table):
    """Every finished trial. ``record`` comes last: SQLite reads a wide row's front alone."""

    __tablename__ = "trials"
    __table_args__ = (
        # Answers `outcomes` without touching the wide rows of trials that did not win.
        Index(
            "ix_trials_outcomes",
            "task_fingerprint",
            "metric",
            "method",
            "base_revision",
            "score",
            "flop",
            "key",
        ),
        Index("ix_trials_cost", "flop", "seconds"),  # answers `totals`
    )

    key: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    task_fingerprint: Mapped[str] = mapped_column(ForeignKey("tasks.fingerprint"))
    base: Mapped[str | None] = mapped_column(Text)
    base_revision: Mapped[str | None] = mapped_column(String(WORD_LENGTH))
    method: Mapped[str] = mapped_column(String(WORD_LENGTH))
    hyperparameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    seed: Mapped[int] = mapped_column(BigInteger)
    steps: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(String(KEY_LENGTH))
    score: Mapped[float | None] = mapped_column(Double)
    metric: Mapped[str] = mapped_column(String(WORD_LENGTH))
    flop: Mapped[float] = mapped_column(Double)
    seconds: Mapped[float] = mapped_column(Double)
    created: Mapped[datetime] = mapped_column(Utc)
    host: Mapped[str] = mapped_column(Text)
    user: Mapped[str] = mapped_column(Text)
    record: Mapped[dict[str, Any]] = mapped_column(JSON)


class PredictionTable(Table):
    """What a trial predicted on a part, as the bytes that were given."""

    __tablename__ = "predictions"

    trial_key: Mapped[str] = mapped_column(
        ForeignKey("trials.key", ondelete="CASCADE"), primary_key=True
    )
    part: Mapped[str] = mapped_column(String(WORD_LENGTH), primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class StudyTable(Table):
    """Every study that came to its end; ``id`` is the digest of its record."""

    __tablename__ = "studies"

    id: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    task_fingerprint: Mapped[str] = mapped_column(ForeignKey("tasks.fingerprint"), index=True)
    created: Mapped[datetime] = mapped_column(Utc)
    flop: Mapped[float] = mapped_column(Double)
    seconds: Mapped[float] = mapped_column(Double)
    record: Mapped[dict[str, Any]] = mapped_column(JSON)
