"""Repos: made, found, renamed, deleted. A name that was used once never comes back for another."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy import delete as delete_rows

from headstart.hub.errors import ConflictError, NoRepoError
from headstart.hub.registry.model import Kind, Place, Repo
from headstart.hub.registry.names import key_of
from headstart.hub.registry.tables import WORD, NameTable, RepoTable, RepoTagTable


def find(connection: Connection, kind: Kind, name: str) -> Repo | None:
    """Return the repo that has or had this name, or None."""
    row = connection.execute(
        select(RepoTable.__table__)
        .join(NameTable, NameTable.repo == RepoTable.id)
        .where(NameTable.kind == kind, NameTable.key == key_of(name), RepoTable.gone.is_(None))
    ).first()
    return None if row is None else repo_of(row, tags_of(connection, row.id))


def place_of(connection: Connection, kind: Kind, name: str) -> Place | None:
    """Return where the repo is that has or had this name, or None.

    It costs the same whether there is one or not: time must not tell strangers which.
    """
    row = connection.execute(
        select(RepoTable.id, RepoTable.name, RepoTable.owner, RepoTable.private, RepoTable.mirror)
        .join(NameTable, NameTable.repo == RepoTable.id)
        .where(NameTable.kind == kind, NameTable.key == key_of(name), RepoTable.gone.is_(None))
    ).first()
    return None if row is None else Place(row.id, row.name, row.owner, row.private, row.mirror)


def by_id(connection: Connection, repo: str) -> Repo:
    """Return the repo.

    Raises:
        NoRepoError: It was deleted.
    """
    row = connection.execute(
        select(RepoTable.__table__).where(RepoTable.id == repo, RepoTable.gone.is_(None))
    ).first()
    if row is None:
        raise NoRepoError("Repository not found")
    return repo_of(row, tags_of(connection, repo))


def was(connection: Connection, kind: Kind, name: str) -> bool:
    """Whether a repo is, or ever was, called so."""
    held = select(NameTable.repo).where(NameTable.kind == kind, NameTable.key == key_of(name))
    return connection.execute(held).first() is not None


def create(
    connection: Connection, kind: Kind, owner: str, name: str, *, private: bool,
    mirror: str | None = None,
) -> Repo:  # fmt: skip
    """Make a repo called ``name`` (``owner/name``), fetched from the hub at ``mirror`` if not None.

    Raises:
        ConflictError: The name is taken, or was once of another namespace's repo.
    """
    repo = Repo(
        id=secrets.token_hex(16), kind=kind, name=name, owner=owner, private=private,
        created=(now := datetime.now(UTC)), changed=now, published=False, downloads=0,
        library=None, pipeline=None, size=0, parameters=None, card={}, mirror=mirror,
    )  # fmt: skip
    _take_name(connection, repo, owner, name)
    connection.execute(
        insert(RepoTable).values(
            id=repo.id, kind=kind, name=name, owner=key_of(owner), private=private, created=now,
            changed=now, published=False, downloads=0, size=0, card={}, words=name.lower(),
            mirror=mirror,
        )
    )  # fmt: skip
    return repo


def rename(connection: Connection, repo: Repo, owner: str, name: str) -> None:
    """Call the repo ``name`` from now on; its old names go on leading to it.

    Raises:
        ConflictError: The name is taken, or was once of another namespace's repo.
    """
    _take_name(connection, repo, owner, name)
    connection.execute(
        update(RepoTable)
        .where(RepoTable.id == repo.id)
        .values(name=name, owner=key_of(owner), words=name.lower())
    )


def set_private(connection: Connection, repo: Repo, private: bool) -> None:
    """Show the repo to its own people only, or to all."""
    connection.execute(update(RepoTable).where(RepoTable.id == repo.id).values(private=private))


def delete(connection: Connection, repo: Repo) -> None:
    """Delete the repo; its names stay taken, its bytes go with the next sweep."""
    connection.execute(
        update(RepoTable).where(RepoTable.id == repo.id).values(gone=datetime.now(UTC))
    )


def describe(
    connection: Connection, repo: Repo, card: dict[str, Any], tags: list[str], *, size: int,
    parameters: int | None, published: bool,
) -> None:  # fmt: skip
    """Keep what lists are filtered, searched and sorted by."""
    words, now = " ".join([repo.name, *tags]).lower(), datetime.now(UTC)
    connection.execute(
        update(RepoTable)
        .where(RepoTable.id == repo.id)
        .values(
            card=card, library=_text(card, "library_name"), pipeline=_text(card, "pipeline_tag"),
            size=size, parameters=parameters, published=published, words=words[:20_000],
            changed=now,
        )
    )  # fmt: skip
    connection.execute(delete_rows(RepoTagTable).where(RepoTagTable.repo == repo.id))
    if tags:
        rows = [{"repo": repo.id, "tag": tag, "changed": now} for tag in tags]
        connection.execute(insert(RepoTagTable), rows)


def count_download(connection: Connection, repo: Repo) -> None:
    """Add one to the repo's downloads."""
    connection.execute(
        update(RepoTable).where(RepoTable.id == repo.id).values(downloads=RepoTable.downloads + 1)
    )


def tags_of(connection: Connection, repo: str) -> tuple[str, ...]:
    """Return the repo's tags in order."""
    rows = connection.execute(
        select(RepoTagTable.tag).where(RepoTagTable.repo == repo).order_by(RepoTagTable.tag)
    )
    return tuple(rows.scalars())


def _take_name(connection: Connection, repo: Repo, owner: str, name: str) -> None:
    key = key_of(name)
    held = connection.execute(
        select(RepoTable.id, RepoTable.name, RepoTable.owner, RepoTable.gone)
        .join(NameTable, NameTable.repo == RepoTable.id)
        .where(NameTable.kind == repo.kind, NameTable.key == key)
    ).first()
    if held is None:
        connection.execute(insert(NameTable).values(kind=repo.kind, key=key, repo=repo.id))
        return
    if held.gone is None and key_of(held.name) == key and held.id != repo.id:
        raise ConflictError(f"{repo.kind} {name} already exists", mend="choose another name")
    if held.owner != key_of(owner):
        raise ConflictError(
            f"{repo.kind} {name} was another's before: such names do not come back",
            mend="choose another name",
        )
    connection.execute(
        update(NameTable)
        .where(NameTable.kind == repo.kind, NameTable.key == key)
        .values(repo=repo.id)
    )


def repo_of(row: Row[Any], tags: tuple[str, ...]) -> Repo:
    """Return a row of the table as a value."""
    return Repo(
        id=row.id, kind=Kind(row.kind), name=row.name, owner=row.owner, private=row.private,
        created=row.created, changed=row.changed, published=row.published,
        downloads=row.downloads, library=row.library, pipeline=row.pipeline, size=row.size,
        parameters=row.parameters, card=row.card, tags=tags,
        mirror=row.mirror,
    )  # fmt: skip


def _text(card: dict[str, Any], key: str) -> str | None:
    value = card.get(key)
    return value[:WORD] if isinstance(value, str) else None
