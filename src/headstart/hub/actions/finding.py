"""Find repos and revisions for somebody, who learns nothing of what is not theirs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from headstart.hub.access.model import Asker, Role
from headstart.hub.errors import ForbiddenError, NoRepoError
from headstart.hub.registry import repos, revisions, settings
from headstart.hub.registry.model import Commit, Kind, Repo
from headstart.hub.registry.search import Sight
from headstart.hub.registry.tables import EntryTable, UploadTable


@dataclass(frozen=True)
class Found:
    """A repo at a revision."""

    repo: Repo
    commit: Commit


def repo_for(connection: Connection, asker: Asker, kind: Kind, name: str) -> Repo:
    """Return a repo that the asker may know of.

    Raises:
        NoRepoError: There is none, or it is not theirs to know: the words are the same.
    """
    place = repos.place_of(connection, kind, name)
    if place is None or not asker.may_read(place):
        raise NoRepoError(f"Repository not found: no {kind} '{name}' here for you")
    return repos.by_id(connection, place.id)


def writable(connection: Connection, asker: Asker, kind: Kind, name: str) -> Repo:
    """Return a repo that the asker may push to.

    Raises:
        NoRepoError: As :func:`repo_for`.
        ForbiddenError: They may only read it.
    """
    repo = kept(connection, asker, kind, name)
    if repo.mirror is not None:
        raise ForbiddenError(
            f"{repo.name} is mirrored from another hub: nothing is written to it here",
            mend="push to a repo of your own",
        )
    return repo


def kept(connection: Connection, asker: Asker, kind: Kind, name: str) -> Repo:
    """Return a repo that the asker may delete, or show to others; one that is mirrored, too.

    Raises:
        NoRepoError: As :func:`repo_for`.
        ForbiddenError: They may only read it.
    """
    repo = repo_for(connection, asker, kind, name)
    if not asker.may_write(repo):
        raise ForbiddenError(
            f"{asker.name or 'a stranger'} may not write to {repo.name}",
            mend="use a token of role 'write' of somebody who belongs to its namespace",
        )
    return repo


def revision_for(
    connection: Connection, asker: Asker, kind: Kind, name: str, revision: str
) -> Found:
    """Return a repo and what a revision's name means to the asker.

    Raises:
        NoRepoError: As :func:`repo_for`.
        NoRevisionError: No such revision.
        WithheldError: It is not approved, and the asker no writer.
    """
    repo = repo_for(connection, asker, kind, name)
    drafts = asker.may_see_drafts(repo)
    enforced = drafts or settings.enforced(connection)  # else not asked for
    commit = revisions.resolve(connection, repo, revision, drafts=drafts, enforced=enforced)
    return Found(repo, commit)


def sees_drafts(connection: Connection, asker: Asker, repo: Repo) -> bool:
    """Whether the asker sees what nobody approved: writers, and all where nothing is enforced."""
    return asker.may_see_drafts(repo) or not settings.enforced(connection)


def sight_of(connection: Connection, asker: Asker) -> Sight:
    """Return what of private and unpublished repos the asker's lists show."""
    sight = _own_sight(asker)
    return sight if settings.enforced(connection) else replace(sight, drafts=None)


def _own_sight(asker: Asker) -> Sight:
    if asker.name is None:
        return Sight()
    own = {asker.name.lower(): Role.ADMIN, **asker.teams}
    if asker.scope is not None:
        whole = {one.lower() for one in asker.scope}
        own = {name: role for name, role in own.items() if name in whole}
    elif asker.role >= Role.APPROVE:
        return Sight(None, None)
    drafts = [name for name, role in own.items() if min(role, asker.role) >= Role.WRITE]
    return Sight(frozenset(own), frozenset(drafts), mirrors=asker.scope is None)


def base_names(card: dict[str, Any]) -> list[str]:
    """Return the models that a card says its own was made from."""
    told = card.get("base_model")
    names = told if isinstance(told, list) else [told]
    return [name for name in names if isinstance(name, str) and name.count("/") == 1]


def in_tree(connection: Connection, tree: str, sha256: str) -> bool:
    """Whether a tree holds this content."""
    found = select(EntryTable.path).where(EntryTable.tree == tree, EntryTable.sha256 == sha256)
    return connection.execute(found.limit(1)).first() is not None


def may_have(connection: Connection, asker: Asker, sha256: str) -> bool:
    """Whether the asker could fetch this content from some repo, or brought it to one."""
    brought = select(UploadTable.repo).where(UploadTable.sha256 == sha256)
    for repo in connection.execute(brought).scalars():
        with suppress(NoRepoError):
            if asker.may_write(repos.by_id(connection, repo)):
                return True
    return False
