"""Which repos hold what came from elsewhere: through the mirror, or brought in by the keeper."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import Connection, func, select

from headstart.hub.actions.admitting import KEEPER
from headstart.hub.registry import refs
from headstart.hub.registry.model import Commit, Repo
from headstart.hub.registry.tables import CommitTable, RefTable


class Origin(StrEnum):
    """How something came from elsewhere."""

    MIRRORED = "mirrored"
    IMPORTED = "imported"


def origin_of(repo: Repo, commit: Commit | None) -> Origin | None:
    """Return how a revision came here; None of one that was pushed.

    What its card says is not asked: anybody may have written it.
    """
    if repo.mirror is not None:
        return Origin.MIRRORED
    return Origin.IMPORTED if commit is not None and commit.author == KEEPER else None


def origins(connection: Connection, repos: Sequence[Repo]) -> dict[str, Origin]:
    """Return how the repos of a list came here, by their ids; what readers get counts, if any."""
    found = {one.id: Origin.MIRRORED for one in repos if one.mirror is not None}
    shown = func.coalesce(RefTable.published, RefTable.head)
    rows = connection.execute(
        select(RefTable.repo)
        .join(CommitTable, CommitTable.id == shown)
        .where(
            RefTable.repo.in_([one.id for one in repos]), RefTable.kind == refs.BRANCH,
            RefTable.name == refs.MAIN, CommitTable.author == KEEPER,
        )
    )  # fmt: skip
    for row in rows:
        found.setdefault(row.repo, Origin.IMPORTED)
    return found
