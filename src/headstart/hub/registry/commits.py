"""Commits: a branch's head moves from one whole tree to the next, or not at all."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from headstart.hub.errors import ConflictError, NoEntryError, NoRevisionError, StaleError
from headstart.hub.registry import refs, trees
from headstart.hub.registry.model import Change, Commit, Entry, Kind, Repo
from headstart.hub.registry.names import check_together
from headstart.hub.registry.tables import CommitTable, RefTable, RepoTable, UploadTable

PAGE = 50
_ID = re.compile(r"[0-9a-f]{7,40}")


def begin(connection: Connection, repo: Repo, author: str, files: Iterable[Entry] = ()) -> Commit:
    """Make a repo's first commit and its branch ``main``."""
    tree = trees.keep(connection, {one.path: one for one in files})
    commit = _add(connection, repo, None, 0, tree, "initial commit", "", author)
    published = commit.id if repo.kind is Kind.DATASET else None
    connection.execute(
        insert(RefTable).values(
            repo=repo.id, kind=refs.BRANCH, name=refs.MAIN, head=commit.id, published=published
        )
    )
    return commit


def commit(
    connection: Connection,
    repo: Repo,
    branch: str,
    change: Change,
    *,
    title: str,
    message: str,
    author: str,
    parent: str | None,
) -> Commit:
    """Put a change on a branch; one that changes nothing returns the head, so it may be repeated.

    Args:
        connection: A writing transaction: nothing else moves this repo meanwhile.
        repo: The repo.
        branch: A branch of it.
        change: What comes and goes.
        title: First line of the message.
        message: The rest of it.
        author: Name of the user.
        parent: The head that the client saw; None where it does not care.

    Raises:
        NoRevisionError: No such branch.
        StaleError: The head is another than ``parent``.
        BadRequestError: The files cannot lie beside each other.
        NoEntryError: What is to be deleted is not there.
    """
    _lock(connection, repo)
    ref = refs.get(connection, repo, branch, refs.BRANCH)
    if ref is None:
        raise NoRevisionError(f"no branch '{branch[:100]}' in {repo.name}")
    head = by_id(connection, repo, ref.head)
    if parent is not None and not head.id.startswith(parent):
        raise StaleError(
            f"'{branch}' of {repo.name} is at {head.id[:7]} by now, not at {parent[:7]}",
            mend="read it again, then commit",
        )
    before = trees.entries(connection, head.tree)
    after = _changed(repo, before, change)
    tree = trees.keep(connection, after)
    if tree == head.tree:
        return head
    serial = _next(connection, repo)
    made = _add(connection, repo, head.id, serial, tree, title, message, author)
    refs.move(connection, repo, branch, made.id)
    return made


def adopt(
    connection: Connection, repo: Repo, name: str, files: Iterable[Entry], *, title: str,
    author: str,
) -> Commit:  # fmt: skip
    """Keep another hub's commit under the id that it has there; no branch moves.

    Args:
        connection: A writing transaction.
        repo: What it is mirrored to.
        name: The commit's id.
        files: All that it holds.
        title: First line of the message.
        author: Who is said to have made it.

    Raises:
        ConflictError: Another repo has a commit of this id.
        BadRequestError: The files cannot lie beside each other.
    """
    _lock(connection, repo)
    row = connection.execute(select(CommitTable.__table__).where(CommitTable.id == name)).first()
    if row is not None and row.repo != repo.id:
        raise ConflictError(f"the commit {name[:7]} is another repo's here")
    if row is not None:
        return _commit(row)
    tree = trees.keep(connection, {one.path: one for one in files})
    last = connection.execute(
        select(CommitTable.id, CommitTable.serial)
        .where(CommitTable.repo == repo.id)
        .order_by(CommitTable.serial.desc())
        .limit(1)
    ).first()
    parent, serial = (last.id, last.serial + 1) if last else (None, 0)
    made = Commit(name, repo.id, serial, parent, tree, title, "", author, datetime.now(UTC))
    connection.execute(insert(CommitTable).values(**vars(made)))
    return made


def squash(connection: Connection, repo: Repo, branch: str, *, title: str, author: str) -> Commit:
    """Let a branch begin anew with the files it has; older commits stay, by their ids.

    Raises:
        NoRevisionError: No such branch.
    """
    _lock(connection, repo)
    ref = refs.get(connection, repo, branch, refs.BRANCH)
    if ref is None:
        raise NoRevisionError(f"no branch '{branch[:100]}' in {repo.name}")
    tree = by_id(connection, repo, ref.head).tree
    made = _add(connection, repo, None, _next(connection, repo), tree, title, "", author)
    refs.move(connection, repo, branch, made.id)
    return made


def by_id(connection: Connection, repo: Repo, commit: str) -> Commit:
    """Return a commit by its whole id.

    Raises:
        NoRevisionError: There is none in this repo.
    """
    row = connection.execute(
        select(CommitTable.__table__).where(CommitTable.id == commit, CommitTable.repo == repo.id)
    ).first()
    if row is None:
        raise NoRevisionError(f"no commit {commit[:40]} in {repo.name}")
    return _commit(row)


def many(connection: Connection, ids: Sequence[str]) -> dict[str, Commit]:
    """Return commits by their whole ids, of whatever repos; unknown ones are left out."""
    rows = connection.execute(select(CommitTable.__table__).where(CommitTable.id.in_(ids)))
    return {row.id: _commit(row) for row in rows.all()}


def has(connection: Connection, repo: Repo, commit: str) -> bool:
    """Whether the repo has a commit of this whole id."""
    known = select(CommitTable.id).where(CommitTable.id == commit, CommitTable.repo == repo.id)
    return connection.execute(known).first() is not None


def is_id(text: str) -> bool:
    """Whether a text can be a commit's id, or the beginning of one."""
    return _ID.fullmatch(text) is not None


def starting(connection: Connection, repo: Repo, start: str) -> Commit | None:
    """Return the one commit of the repo whose id begins so, or None."""
    rows = connection.execute(
        select(CommitTable.__table__)
        .where(CommitTable.repo == repo.id, CommitTable.id >= start, CommitTable.id <= start + "g")
        .limit(2)
    ).all()
    return _commit(rows[0]) if len(rows) == 1 else None


def history(connection: Connection, repo: Repo, head: Commit) -> list[Commit]:
    """Return ``head`` and what it stands on, newest first."""
    rows = connection.execute(
        select(CommitTable.__table__)
        .where(CommitTable.repo == repo.id, CommitTable.serial <= head.serial)
        .order_by(CommitTable.serial.desc())
    )
    found: list[Commit] = []
    wanted: str | None = head.id
    for row in rows:
        if row.id == wanted:
            found.append(_commit(row))
            wanted = row.parent
    return found


def last_changes(connection: Connection, repo: Repo, head: Commit) -> dict[str, Commit]:
    """Return, for each file of ``head``, the commit that made it what it is."""
    now = trees.entries(connection, head.tree)
    found: dict[str, Commit] = {}
    line = history(connection, repo, head)
    for one, older in zip(line, [*line[1:], None], strict=True):
        past = trees.entries(connection, older.tree) if older else {}
        for path, entry in now.items():
            if path not in found and past.get(path) != entry:
                found[path] = one
        if len(found) == len(now):
            break
    return found


def remember_upload(connection: Connection, repo: Repo, sha256: str, size: int, user: str) -> None:
    """Note that a writer of this repo brought these bytes."""
    if not uploaded(connection, repo, sha256):
        connection.execute(
            insert(UploadTable).values(
                repo=repo.id, sha256=sha256, size=size, user=user, created=datetime.now(UTC)
            )
        )


def uploaded(connection: Connection, repo: Repo, sha256: str) -> bool:
    """Whether this repo has, or its writers brought, these bytes."""
    found = connection.execute(
        select(UploadTable.size).where(UploadTable.repo == repo.id, UploadTable.sha256 == sha256)
    ).scalar()
    return found is not None


def _lock(connection: Connection, repo: Repo) -> None:
    """Let the writers of one repo come one after the other (SQLite's transactions do anyway)."""
    row = select(RepoTable.id).where(RepoTable.id == repo.id, RepoTable.gone.is_(None))
    if connection.execute(row.with_for_update()).first() is None:
        raise NoRevisionError(f"{repo.name} was deleted meanwhile")


def _next(connection: Connection, repo: Repo) -> int:
    newest = select(func.max(CommitTable.serial)).where(CommitTable.repo == repo.id)
    return 1 + int(connection.execute(newest).scalar_one())


def _changed(repo: Repo, before: dict[str, Entry], change: Change) -> dict[str, Entry]:
    for path in change.removed:
        if path not in before:
            raise NoEntryError(f"no file {path!r} to delete in {repo.name}")
    folders = tuple(folder.rstrip("/") + "/" for folder in change.removed_folders)
    kept = {
        path: entry
        for path, entry in before.items()
        if path not in change.removed and not path.startswith(folders)
    }
    after = kept | change.put
    if after.keys() != before.keys():
        check_together(after)
    return dict(sorted(after.items()))


def _add(
    connection: Connection, repo: Repo, parent: str | None, serial: int, tree: str, title: str,
    message: str, author: str,
) -> Commit:  # fmt: skip
    now = datetime.now(UTC)
    parts = (repo.id, parent, str(serial), tree, title, message, author, now.isoformat())
    nonce = secrets.token_hex(8)
    name = hashlib.sha1("\0".join(map(str, (*parts, nonce))).encode("utf-8", "replace"),
                        usedforsecurity=False).hexdigest()  # fmt: skip
    made = Commit(name, repo.id, serial, parent, tree, title, message, author, now)
    connection.execute(insert(CommitTable).values(**vars(made)))
    return made


def _commit(row: Row[Any]) -> Commit:
    return Commit(
        row.id, row.repo, row.serial, row.parent, row.tree, row.title, row.message, row.author,
        row.created,
    )  # fmt: skip
