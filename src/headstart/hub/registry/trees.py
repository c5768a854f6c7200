"""Trees: the files of a commit. A tree is named by what is in it, and never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, func, insert, literal, select

from headstart.hub.registry.model import Entry
from headstart.hub.registry.tables import EntryTable

EMPTY = hashlib.sha1(b"", usedforsecurity=False).hexdigest()
_BATCH = 500


def entries(connection: Connection, tree: str) -> dict[str, Entry]:
    """Return the files of a tree by path, in order of paths."""
    rows = connection.execute(
        select(EntryTable.__table__).where(EntryTable.tree == tree).order_by(EntryTable.path)
    )
    found = (Entry(r.path, r.oid, r.sha256, r.size, r.large) for r in rows)
    return {entry.path: entry for entry in sorted(found, key=lambda entry: entry.path)}


def counts(connection: Connection, trees: Sequence[str]) -> dict[str, int]:
    """Return how many files trees have; empty ones are left out."""
    rows = connection.execute(
        select(EntryTable.tree, func.count())
        .where(EntryTable.tree.in_(trees))
        .group_by(EntryTable.tree)
    )
    return {row[0]: row[1] for row in rows}


def entries_of(connection: Connection, trees: Sequence[str]) -> dict[str, dict[str, Entry]]:
    """Return, by the trees' names, what :func:`entries` gives for each."""
    rows = connection.execute(select(EntryTable.__table__).where(EntryTable.tree.in_(trees))).all()
    found: dict[str, dict[str, Entry]] = {tree: {} for tree in trees}
    for r in sorted(rows, key=lambda row: str(row.path)):
        found[r.tree][r.path] = Entry(r.path, r.oid, r.sha256, r.size, r.large)
    return found


def entry(connection: Connection, tree: str, path: str) -> Entry | None:
    """Return one file of a tree, or None."""
    row = connection.execute(
        select(EntryTable.__table__).where(EntryTable.tree == tree, EntryTable.path == path)
    ).first()
    return None if row is None else Entry(row.path, row.oid, row.sha256, row.size, row.large)


def keep(connection: Connection, files: Mapping[str, Entry]) -> str:
    """Keep a tree; return its name."""
    tree = name_of(files.values())
    known = connection.execute(select(literal(1)).where(EntryTable.tree == tree).limit(1)).scalar()
    if known or not files:
        return tree
    rows = [
        {"tree": tree, "path": one.path, "oid": one.oid, "sha256": one.sha256, "size": one.size,
         "large": one.large}
        for one in files.values()
    ]  # fmt: skip
    for start in range(0, len(rows), _BATCH):
        connection.execute(insert(EntryTable), rows[start : start + _BATCH])
    return tree


def name_of(files: Iterable[Entry]) -> str:
    """Return the name of a tree with these files, 40 hex digits."""
    state = hashlib.sha1(usedforsecurity=False)
    for one in sorted(files, key=lambda one: one.path):
        line = f"{one.path}\0{one.sha256}\0{one.size}\0{int(one.large)}\n"
        state.update(line.encode("utf-8", "surrogatepass"))
    return state.hexdigest()
