"""Branches and tags."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from headstart.hub.errors import BadRequestError, ConflictError, NoRevisionError
from headstart.hub.registry.model import Commit, Kind, Ref, Repo
from headstart.hub.registry.tables import RefTable

BRANCH, TAG = "branch", "tag"
MAIN = "main"


def all_of(connection: Connection, repo: Repo) -> list[Ref]:
    """Return every branch and tag, by kind and name."""
    rows = connection.execute(
        select(RefTable.__table__)
        .where(RefTable.repo == repo.id)
        .order_by(RefTable.kind, RefTable.name)
    )
    return [Ref(row.kind, row.name, row.head, row.published) for row in rows]


def get(connection: Connection, repo: Repo, name: str, kind: str | None = None) -> Ref | None:
    """Return the branch, else the tag, of this name; a branch's row is locked by writers."""
    for one in (BRANCH, TAG) if kind is None else (kind,):
        row = connection.execute(
            select(RefTable.__table__).where(
                RefTable.repo == repo.id, RefTable.kind == one, RefTable.name == name
            )
        ).first()
        if row is not None:
            return Ref(row.kind, row.name, row.head, row.published)
    return None


def create_branch(connection: Connection, repo: Repo, name: str, start: Commit) -> None:
    """Make a branch at ``start``.

    Raises:
        ConflictError: It is there already.
    """
    _create(connection, repo, BRANCH, name, start)


def create_tag(connection: Connection, repo: Repo, name: str, at: Commit) -> None:
    """Make a tag at ``at``.

    Raises:
        ConflictError: It is there already.
    """
    _create(connection, repo, TAG, name, at)


def remove(connection: Connection, repo: Repo, kind: str, name: str) -> None:
    """Remove a branch or tag; commits stay.

    Raises:
        NoRevisionError: There is none.
        BadRequestError: It is ``main``.
    """
    if kind == BRANCH and name == MAIN:
        raise BadRequestError("the branch 'main' cannot be deleted")
    done = connection.execute(
        delete(RefTable).where(
            RefTable.repo == repo.id, RefTable.kind == kind, RefTable.name == name
        )
    )
    if not done.rowcount:
        raise NoRevisionError(f"no {kind} '{name}' in {repo.name}")


def move(connection: Connection, repo: Repo, branch: str, head: str) -> None:
    """Let a branch's head be ``head``; of data sets readers see it at once."""
    values = {"head": head} | ({"published": head} if repo.kind is Kind.DATASET else {})
    connection.execute(
        update(RefTable)
        .where(RefTable.repo == repo.id, RefTable.kind == BRANCH, RefTable.name == branch)
        .values(**values)
    )


def point(connection: Connection, repo: Repo, kind: str, name: str, head: str) -> None:
    """Let a branch or tag of what is mirrored be ``head``; make it where it is not there."""
    published = {"published": head} if repo.kind is Kind.DATASET else {}
    done = connection.execute(
        update(RefTable)
        .where(RefTable.repo == repo.id, RefTable.kind == kind, RefTable.name == name)
        .values(head=head, **published)
    )
    if not done.rowcount:
        connection.execute(
            insert(RefTable).values(repo=repo.id, kind=kind, name=name, head=head, **published)
        )


def publish(connection: Connection, repo: Repo, commit: str | None, branch: str = MAIN) -> None:
    """Show readers ``commit`` as the branch; None: nothing any more."""
    connection.execute(
        update(RefTable)
        .where(RefTable.repo == repo.id, RefTable.kind == BRANCH, RefTable.name == branch)
        .values(published=commit)
    )


def _create(connection: Connection, repo: Repo, kind: str, name: str, at: Commit) -> None:
    if get(connection, repo, name, kind) is not None:
        raise ConflictError(f"{kind} '{name}' already exists in {repo.name}")
    published = at.id if repo.kind is Kind.DATASET else None
    connection.execute(
        insert(RefTable).values(repo=repo.id, kind=kind, name=name, head=at.id, published=published)
    )
