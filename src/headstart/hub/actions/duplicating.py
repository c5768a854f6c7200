"""A repo begun from another's newest files, which are not copied for it."""

from __future__ import annotations

from sqlalchemy import Connection

from headstart.hub.access.model import Asker
from headstart.hub.actions import finding, keeping
from headstart.hub.actions.describing import describe
from headstart.hub.hub import Hub
from headstart.hub.registry import commits, refs, trees
from headstart.hub.registry.model import Change, Commit, Entry, Kind, Repo


def duplicate(
    hub: Hub, asker: Asker, kind: Kind, name: str, owner: str, new: str, *, private: bool
) -> Repo:
    """Make ``owner/new`` with the files that the asker gets of a repo's main branch.

    Raises:
        NoRepoError: There is none, as far as the asker may know.
        WithheldError: Nothing of it is approved, and the asker no writer.
        ForbiddenError: The namespace is another's.
        ConflictError: The name is, or once was, another repo's.
    """

    def look(connection: Connection) -> tuple[Commit, dict[str, Entry]]:
        commit = finding.revision_for(connection, asker, kind, name, refs.MAIN).commit
        return commit, trees.entries(connection, commit.tree)

    source, files = hub.database.read(look)
    repo = keeping.create(hub, asker, kind, owner, new, private=private)

    def fill(connection: Connection) -> None:
        author = str(asker.name)
        for entry in files.values():
            hub.store.renew(entry.sha256)
            commits.remember_upload(connection, repo, entry.sha256, entry.size, author)
        made = commits.commit(
            connection, repo, refs.MAIN, Change(files), title=f"{name} at {source.id[:7]}",
            message="", author=author, parent=None,
        )  # fmt: skip
        describe(hub, connection, repo, made, published=kind is Kind.DATASET)

    hub.database.write(fill)
    return repo
