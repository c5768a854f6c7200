"""The states of revisions, with the evidence for them; bound to a commit and to its content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, insert, or_, select, update
from sqlalchemy.orm import aliased

from headstart.hub.registry.model import Commit, Repo, State
from headstart.hub.registry.tables import CommitTable, RefTable, RevisionTable


@dataclass(frozen=True)
class Standing:
    """Where a revision stands.

    Attributes:
        commit: The commit.
        tree: What it holds; approval is of exactly this.
        state: Its state now; an approval that has run out is ``expired``.
        evidence: What the gate found, if it ran.
        by: Who set the state.
        changed: When.
        expires: Until when an approval holds.
    """

    commit: str
    tree: str
    state: State
    evidence: dict[str, Any] | None
    by: str
    changed: datetime
    expires: datetime | None


def of(connection: Connection, repo: Repo, commit: Commit) -> Standing:
    """Return where a commit stands; one that nobody judged is a candidate."""
    row = connection.execute(
        select(RevisionTable.__table__).where(
            RevisionTable.repo == repo.id, RevisionTable.commit == commit.id
        )
    ).first()
    if row is None:
        return Standing(
            commit.id, commit.tree, State.CANDIDATE, None, commit.author, commit.created, None
        )
    return standing_of(row)


def all_of(connection: Connection, repo: Repo) -> list[Standing]:
    """Return every revision that was judged, newest first."""
    rows = connection.execute(
        select(RevisionTable.__table__)
        .where(RevisionTable.repo == repo.id)
        .order_by(RevisionTable.changed.desc())
    )
    return [standing_of(row) for row in rows]


@dataclass(frozen=True)
class Place:
    """Where a repo's main branch stands: the newest revision, and the one that readers get."""

    newest: State
    readers: State | None


def of_heads(connection: Connection, repos: Sequence[str]) -> dict[str, Place]:
    """Return where the main branches of repos, by their ids, stand: in one query for a list."""
    newest, given = aliased(RevisionTable), aliased(RevisionTable)
    rows = connection.execute(
        select(
            RefTable.repo, RefTable.published, newest.state.label("newest"),
            newest.expires.label("newest_expires"), given.expires.label("given_expires"),
        )
        .outerjoin(newest, and_(newest.repo == RefTable.repo, newest.commit == RefTable.head))
        .outerjoin(given, and_(given.repo == RefTable.repo, given.commit == RefTable.published))
        .where(RefTable.repo.in_(repos), RefTable.kind == "branch", RefTable.name == "main")
    )  # fmt: skip
    return {
        row.repo: Place(
            _now(State(row.newest or State.CANDIDATE), row.newest_expires),
            None if row.published is None else _now(State.APPROVED, row.given_expires),
        )
        for row in rows
    }


def _now(state: State, expires: datetime | None) -> State:
    over = state is State.APPROVED and expires is not None and expires <= datetime.now(UTC)
    return State.EXPIRED if over else state


def put(
    connection: Connection,
    repo: Repo,
    commit: Commit,
    state: State,
    by: str,
    *,
    evidence: dict[str, Any] | None = None,
    expires: datetime | None = None,
) -> None:
    """Set where a commit stands; without new evidence the old stays."""
    values: dict[str, Any] = {
        "tree": commit.tree, "state": state, "by": by, "changed": datetime.now(UTC),
        "expires": expires,
    }  # fmt: skip
    if evidence is not None:
        values["evidence"] = evidence
    done = connection.execute(
        update(RevisionTable)
        .where(RevisionTable.repo == repo.id, RevisionTable.commit == commit.id)
        .values(**values)
    )
    if not done.rowcount:
        connection.execute(insert(RevisionTable).values(repo=repo.id, commit=commit.id, **values))


def approved_ids(connection: Connection, repo: Repo) -> set[str]:
    """Return the ids of the commits that readers may have: approved as what they still hold."""
    same = and_(CommitTable.id == RevisionTable.commit, CommitTable.tree == RevisionTable.tree)
    rows = connection.execute(
        select(RevisionTable.commit)
        .join(CommitTable, same)
        .where(
            RevisionTable.repo == repo.id,
            RevisionTable.state == State.APPROVED,
            or_(RevisionTable.expires.is_(None), RevisionTable.expires > datetime.now(UTC)),
        )
    )
    return set(rows.scalars())


def bad_ids(connection: Connection, repo: Repo) -> set[str]:
    """Return the ids of the commits of which somebody, or the gate, said no."""
    rows = connection.execute(
        select(RevisionTable.commit).where(
            RevisionTable.repo == repo.id,
            RevisionTable.state.in_((State.REFUSED, State.REVOKED)),
        )
    )
    return set(rows.scalars())


def standing_of(row: Any) -> Standing:
    """Return a row of the table as a value."""
    state = _now(State(row.state), row.expires)
    return Standing(row.commit, row.tree, state, row.evidence, row.by, row.changed, row.expires)
