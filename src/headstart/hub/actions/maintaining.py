"""Keeping a hub sound: look for damage, let go what nobody needs, store less of what is alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from headstart.hub.actions.describing import card_of
from headstart.hub.actions.finding import base_names
from headstart.hub.actions.laying import clear
from headstart.hub.errors import NoRepoError
from headstart.hub.hub import Hub
from headstart.hub.registry import audit, commits, refs, repos, revisions, trees
from headstart.hub.registry.model import Commit, Entry, Kind
from headstart.hub.registry.tables import CommitTable, EntryTable, RepoTable
from headstart.hub.store.pack import pack
from headstart.hub.store.parts import sweep_parts
from headstart.hub.store.scrub import Damage, Pace, scrub
from headstart.hub.store.sweep import sweep


@dataclass(frozen=True)
class Health:
    """What is wrong with a hub.

    Attributes:
        damage: Broken objects, and the files that need them.
        missing: Files that commits name and that are not kept: ``repo: path``.
        events: Entries of the audit log that are not what was once written.
    """

    damage: tuple[Damage, ...]
    missing: tuple[str, ...]
    events: tuple[int, ...]

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.damage or self.missing or self.events)


def fsck(hub: Hub, pace: Pace | None = None, *, deep: bool = False) -> Health:
    """Look through all that is kept; may run while the hub is in use.

    Args:
        hub: The hub.
        pace: How fast to read; None: as fast as it goes.
        deep: Put every file together, too.
    """
    damage = [*scrub(hub.store, pace, deep=deep), *hub.vault.scrub()]
    hurt = {sha256 for one in damage for sha256 in one.files}
    kept = {key.rpartition("/")[2] for key in hub.store.depot.keys("files")}
    missing = [
        f"{name}: {path}"
        for name, path, sha256 in hub.database.read(lambda c: list(_named(c)))
        if sha256 in hurt or sha256 not in kept
    ]
    events = hub.database.read(lambda c: tuple(audit.broken(c)))
    return Health(tuple(damage), tuple(missing), events)


def collect(hub: Hub) -> tuple[int, int]:
    """Let go what no repo speaks of and nobody brought lately; return files and pieces gone."""
    live = hub.database.read(lambda c: {sha256 for _, _, sha256 in _named(c)})
    clear(hub.root)
    hub.vault.sweep(hub.store.grace_seconds)
    sweep_parts(hub.store.depot)
    gone = sweep(hub.store, live)
    return gone.files, gone.pieces


def pack_by_name(hub: Hub, name: str, revision: str) -> int:
    """Store a model's weights as differences from its base's; return the bytes saved.

    Raises:
        NoRepoError: No such model.
    """

    def look(connection: Connection) -> Commit:
        repo = repos.find(connection, Kind.MODEL, name)
        if repo is None:
            raise NoRepoError(f"no model '{name}' in this hub")
        return revisions.resolve(connection, repo, revision, drafts=True)

    return pack_commit(hub, hub.database.read(look))


def pack_commit(hub: Hub, commit: Commit) -> int:
    """Store a commit's weights as differences from its base's, where that is shorter.

    Returns:
        Bytes saved.
    """
    files = hub.database.read(lambda c: trees.entries(c, commit.tree))
    saved = 0
    for name in base_names(card_of(hub, files)):
        base = hub.database.read(lambda c, name=name: _head_files(c, name))  # type: ignore[misc]
        for entry in files.values():
            like = base.get(entry.path)
            if like is not None and like.large and like.sha256 != entry.sha256:
                saved += pack(hub.store, entry.sha256, like.sha256)
    return saved


def _head_files(connection: Connection, name: str) -> dict[str, Entry]:
    repo = repos.find(connection, Kind.MODEL, name)
    ref = refs.get(connection, repo, refs.MAIN) if repo else None
    if repo is None or ref is None:
        return {}
    head = commits.by_id(connection, repo, ref.published or ref.head)
    return trees.entries(connection, head.tree)


def _named(connection: Connection) -> Iterator[tuple[str, str, str]]:
    """Yield repo, path and sha256 of every file that a commit of a repo that is left names."""
    rows = connection.execute(
        select(RepoTable.name, EntryTable.path, EntryTable.sha256)
        .join(CommitTable, CommitTable.repo == RepoTable.id)
        .join(EntryTable, EntryTable.tree == CommitTable.tree)
        .where(RepoTable.gone.is_(None))
        .distinct()
    )
    for row in rows:
        yield row.name, row.path, row.sha256
