"""The ledger's statements, each the same for SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Insert, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from headstart.ledger.rows import KnownTrial, Outcome, Totals, TrialGroup
from headstart.ledger.tables import (
    PredictionTable,
    StudyTable,
    SummaryTable,
    Table,
    TaskTable,
    TrialTable,
)


def keep_first(connection: Connection, table: type[Table], row: dict[str, Any]) -> Insert:
    """Return the insert that does nothing where a row of this key is there."""
    statement: Insert = _insert(connection, table, row).on_conflict_do_nothing()
    return statement


def keep_better(connection: Connection, row: dict[str, Any]) -> ReturningInsert[Any]:
    """Return the insert of a trial; a finalist takes the place of one that is only done.

    Its result has a row where it changed anything: a driver need not count rows.
    """
    new = _insert(connection, TrialTable, row)
    statement: Insert = new.on_conflict_do_update(
        index_elements=["key"],
        set_={name: new.excluded[name] for name in row if name != "key"},
        where=(TrialTable.status == "done") & (new.excluded.status == "finalist"),
    )
    return statement.returning(TrialTable.key)


def keep_newest_format(connection: Connection, row: dict[str, Any]) -> Insert:
    """Return the insert of a summary; one of an older format gives way."""
    new = _insert(connection, SummaryTable, row)
    statement: Insert = new.on_conflict_do_update(
        index_elements=["task_fingerprint", "base_revision"],
        set_={name: new.excluded[name] for name in ("format", "dimension", "vector")},
        where=SummaryTable.format < new.excluded.format,
    )
    return statement


def known_trial(connection: Connection, key: str) -> KnownTrial | None:
    """Return a trial and its predictions, or None."""
    row = connection.execute(
        select(
            TrialTable.task_fingerprint,
            TrialTable.status,
            TrialTable.seconds,
            TrialTable.flop,
            TrialTable.record,
            TrialTable.created,
            TrialTable.host,
            TrialTable.user,
        ).where(TrialTable.key == key)
    ).first()
    if row is None:
        return None
    parts = connection.execute(
        select(PredictionTable.part, PredictionTable.data).where(PredictionTable.trial_key == key)
    )
    return KnownTrial(
        key=key,
        task=row.task_fingerprint,
        status=row.status,
        seconds=row.seconds,
        flop=row.flop,
        record=row.record,
        predictions={part: bytes(data) for part, data in parts},
        created=row.created,
        host=row.host,
        user=row.user,
    )


def best(connection: Connection, fingerprints: Sequence[str]) -> list[Outcome]:
    """Return the best trial for each of task x metric x method x base revision."""
    group = (
        TrialTable.task_fingerprint,
        TrialTable.metric,
        TrialTable.method,
        TrialTable.base_revision,
    )
    order = (TrialTable.score.desc(), TrialTable.flop, TrialTable.key)
    # Only columns of ix_trials_outcomes: the rows themselves are read for the winners alone.
    ranked = (
        select(
            TrialTable.key,
            func.row_number().over(partition_by=group, order_by=order).label("position"),
            func.count().over(partition_by=group).label("trials"),
        )
        .where(TrialTable.task_fingerprint.in_(fingerprints), TrialTable.score.is_not(None))
        .subquery()
    )
    found = connection.execute(
        select(
            TrialTable.task_fingerprint,
            TrialTable.metric,
            TrialTable.method,
            TrialTable.base,
            TrialTable.base_revision,
            TrialTable.hyperparameters,
            TrialTable.score,
            TrialTable.flop,
            TrialTable.seconds,
            TrialTable.steps,
            TrialTable.key,
            ranked.c.trials,
        )
        .join(ranked, ranked.c.key == TrialTable.key)
        .where(ranked.c.position == 1)
    )
    return [Outcome(*row) for row in found]


def totals(connection: Connection) -> Totals:
    """Return the ledger's counts and sums."""
    trials, seconds, flop = connection.execute(
        select(func.count(), func.sum(TrialTable.seconds), func.sum(TrialTable.flop)).select_from(
            TrialTable
        )
    ).one()
    tasks, studies = (
        connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in (TaskTable, StudyTable)
    )
    return Totals(trials, tasks, studies, float(seconds or 0.0), float(flop or 0.0))


def newest_studies(connection: Connection, limit: int) -> list[tuple[str, datetime]]:
    """Return ids of studies and when they were added, the newest first."""
    newest = select(StudyTable.id, StudyTable.created).order_by(
        StudyTable.created.desc(), StudyTable.id
    )
    return [(row.id, row.created) for row in connection.execute(newest.limit(limit))]


def study_records(connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the records of studies by their ids."""
    asked = select(StudyTable.id, StudyTable.record).where(StudyTable.id.in_(ids))
    return {row.id: row.record for row in connection.execute(asked)}


def trial_groups(connection: Connection) -> list[TrialGroup]:
    """Return each task's methods, the one tried last first."""
    groups = (
        select(
            TrialTable.task_fingerprint,
            TrialTable.method,
            func.count().label("trials"),
            func.max(TrialTable.created).label("newest"),
        )
        .group_by(TrialTable.task_fingerprint, TrialTable.method)
        .subquery()
    )
    found = connection.execute(
        select(
            TaskTable.fingerprint,
            TaskTable.name,
            TaskTable.kind,
            TaskTable.modality,
            groups.c.method,
            groups.c.trials,
            groups.c.newest,
        )
        .join(TaskTable, TaskTable.fingerprint == groups.c.task_fingerprint)
        .order_by(groups.c.newest.desc(), TaskTable.fingerprint, groups.c.method)
    )
    return [TrialGroup(*row) for row in found]


def writers(connection: Connection) -> int:
    """Return how many users added trials."""
    asked = select(func.count(TrialTable.user.distinct()))
    return int(connection.execute(asked).scalar_one())


def _insert(connection: Connection, table: type[Table], row: dict[str, Any]) -> Any:
    """Return the dialect's own insert: both have ON CONFLICT, plain SQL has not."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).values(row)
