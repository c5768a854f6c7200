"""What many repos hold at their main branch, as somebody gets it: a page of a list, few queries."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Result, Row, select

from headstart.hub.errors import HubError
from headstart.hub.registry import commits, refs, revisions
from headstart.hub.registry.model import Commit, Kind, Repo, State
from headstart.hub.registry.tables import RefTable, RevisionTable

_BAD = (State.REFUSED, State.REVOKED)


@dataclass(frozen=True)
class Main:
    """What somebody gets of a repo's main branch.

    Attributes:
        commit: The commit.
        described: Whether what lists know of the repo is drawn from this commit.
    """

    commit: Commit
    described: bool


def of(
    connection: Connection, found: Sequence[Repo], drafts: Collection[str], *, enforced: bool
) -> dict[str, Main]:
    """Return, by the repos' ids, what :func:`revisions.resolve` gives for ``main`` of each.

    The commit that readers mostly get is looked up for all at once; where it is not to be had,
    others of that repo are looked for by themselves. What cannot be had is left out.

    Args:
        connection: A transaction.
        found: Repos.
        drafts: Ids of those of which the asker gets what nobody approved.
        enforced: Whether of all others they get what is approved only.
    """
    heads = _heads(connection, [repo.id for repo in found])
    free = {one.id for one in found if one.kind is Kind.DATASET or one.id in drafts}
    wanted = {
        repo: row.head if repo in free or not enforced else row.published
        for repo, row in heads.items()
    }
    known = commits.many(connection, [one for one in wanted.values() if one is not None])
    held = _standings(connection, [one for one in known.values() if one.repo not in free])
    made: dict[str, Main] = {}
    for repo in found:
        commit = known.get(wanted.get(repo.id) or "")
        if commit is None or not (repo.id in free or _good(commit, held, enforced)):
            try:
                commit = revisions.resolve(
                    connection, repo, refs.MAIN, drafts=repo.id in drafts, enforced=enforced
                )
            except HubError:  # nothing of it is theirs to have
                continue
        row = heads[repo.id]
        made[repo.id] = Main(commit, commit.id == (row.published or row.head))
    return made


def _heads(connection: Connection, repos: Sequence[str]) -> dict[str, Row[Any]]:
    rows: Result[Any] = connection.execute(
        select(RefTable.repo, RefTable.head, RefTable.published).where(
            RefTable.repo.in_(repos), RefTable.kind == refs.BRANCH, RefTable.name == refs.MAIN
        )
    )
    return {row.repo: row for row in rows.all()}


def _standings(connection: Connection, judged: Sequence[Commit]) -> dict[str, Row[Any]]:
    table = RevisionTable
    rows: Result[Any] = connection.execute(
        select(table.commit, table.tree, table.state, table.expires).where(
            table.repo.in_([one.repo for one in judged]),
            table.commit.in_([one.id for one in judged]),
        )
    )
    return {row.commit: row for row in rows.all()}


def _good(commit: Commit, held: dict[str, Row[Any]], enforced: bool) -> bool:
    """Whether readers get a commit; one that is approved still holds what was approved."""
    row = held.get(commit.id)
    if not enforced:
        return row is None or row.state not in _BAD
    if row is None or row.state != State.APPROVED or row.tree != commit.tree:
        return False
    return row.expires is None or row.expires > datetime.now(UTC)
