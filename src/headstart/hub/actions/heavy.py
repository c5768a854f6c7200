"""Large files of a repo, at all its commits: listed, and given to another repo without a copy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from headstart.hub.access.model import Asker
from headstart.hub.actions import finding
from headstart.hub.hub import Hub
from headstart.hub.registry import audit, commits, states
from headstart.hub.registry.model import Kind, Repo
from headstart.hub.registry.tables import CommitTable, EntryTable


@dataclass(frozen=True)
class Heavy:
    """A large file: its content, one of its paths, and when it was first committed."""

    sha256: str
    path: str
    size: int
    since: datetime


@dataclass(frozen=True)
class Target:
    """The repo that gets files of another."""

    kind: Kind
    name: str


def heavy_files(hub: Hub, asker: Asker, kind: Kind, name: str) -> list[Heavy]:
    """Return the large files of a repo's commits, newest first, to those who may write there."""

    def look(connection: Connection) -> list[Heavy]:
        repo = finding.writable(connection, asker, kind, name)
        return _heavy(connection, repo, None)

    return hub.database.read(look)


def share(
    hub: Hub, asker: Asker, kind: Kind, name: str, target: Target, wanted: Iterable[str]
) -> list[str]:
    """Let the target have large files of a repo that the asker may read.

    Args:
        hub: The hub.
        asker: Who may read the one and write the other.
        kind: What the repo holds.
        name: The repo.
        target: The repo that may commit them from now on.
        wanted: Their sha256.

    Returns:
        Those that the asker cannot have: not there, or of revisions that are not for them.
    """

    def work(connection: Connection) -> list[str]:
        source = finding.repo_for(connection, asker, kind, name)
        repo = finding.writable(connection, asker, target.kind, target.name)
        open_ = source.kind is Kind.DATASET or asker.may_see_drafts(source)
        good = None if open_ else states.approved_ids(connection, source)
        there = {one.sha256: one for one in _heavy(connection, source, good)}
        asked = list(dict.fromkeys(wanted))
        given = [one for one in asked if one in there and hub.store.renew(one) is not None]
        for sha256 in given:
            size = there[sha256].size
            commits.remember_upload(connection, repo, sha256, size, str(asker.name))
        audit.note(
            connection, str(asker.name), "share", repo.name, source=source.name, files=len(given)
        )
        return [one for one in asked if one not in given]

    return hub.database.write(work)


def _heavy(connection: Connection, repo: Repo, within: set[str] | None) -> list[Heavy]:
    """Return the large files of all commits, or of those ``within``."""
    since = func.min(CommitTable.created)
    query = (
        select(EntryTable.sha256, func.min(EntryTable.path), func.min(EntryTable.size), since)
        .join(CommitTable, CommitTable.tree == EntryTable.tree)
        .where(CommitTable.repo == repo.id, EntryTable.large.is_(True))
        .group_by(EntryTable.sha256)
        .order_by(since.desc(), EntryTable.sha256)
    )
    if within is not None:
        query = query.where(CommitTable.id.in_(sorted(within)))
    return [Heavy(*row) for row in connection.execute(query)]
