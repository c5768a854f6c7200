"""What all pages of one repo have in common: the repo, the revision shown, and the frame."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from headstart.hub.actions import finding
from headstart.hub.actions.origins import Origin, origin_of
from headstart.hub.errors import WithheldError
from headstart.hub.registry import refs, repos, revisions, states
from headstart.hub.registry.model import Commit, Kind, Repo
from headstart.hub.registry.names import APPROVED
from headstart.hub.registry.states import Standing
from headstart.hub.serve.context import name_of, path_of
from headstart.hub.serve.paths import whole
from headstart.web.faults import ElsewhereError
from headstart.web.rendering import segment
from headstart.web.visit import Visit


@dataclass(frozen=True)
class Shelf:
    """A repo as a visitor may see it, at one revision.

    Attributes:
        repo: The repo.
        revision: As the address names it.
        commit: What that means to this visitor; None where nothing is approved for them.
        standing: Where it stands; None for data sets, and without a commit.
        drafts: Whether the visitor sees what is not approved.
        approves: Whether the visitor may say what is good.
        readers: The commit that readers get as ``approved``; None where there is none.
        place: The repo's page.
    """

    repo: Repo
    revision: str
    commit: Commit | None
    standing: Standing | None
    drafts: bool
    approves: bool
    readers: str | None

    @property
    def origin(self) -> Origin | None:
        """How it came from elsewhere, if it did."""
        return origin_of(self.repo, self.commit)

    @property
    def place(self) -> str:
        """Where the repo's pages begin."""
        return place_of(self.repo)

    def at(self, page: str, path: str = "") -> str:
        """Return a page's address for the revision shown."""
        return f"{self.place}/{page}/{segment(self.revision)}{path}"


def place_of(repo: Repo) -> str:
    """Return where a repo's pages begin."""
    return f"/{path_of(repo.kind, repo.name)}"


def shelf(
    connection: Connection, visit: Visit, kind: Kind, owner: str, name: str,
    revision: str = refs.MAIN,
) -> Shelf:  # fmt: skip
    """Return a repo at a revision, as far as it is the visitor's to see.

    Args:
        connection: A transaction.
        visit: Who looks.
        kind: What the repo holds.
        owner: First part of its name in the address.
        name: Second part.
        revision: As it stands in the address.

    Raises:
        NoRepoError: None that the visitor may know of.
        NoRevisionError: No such revision.
        ElsewhereError: The repo is called something else by now.
    """
    asker, full = visit.asker, name_of(owner, name)
    repo = finding.repo_for(connection, asker, kind, full)
    if repo.name != full:
        old = f"/{path_of(kind, full)}"
        raise ElsewhereError(place_of(repo) + visit.path.removeprefix(old))
    revision = whole(revision)
    commit = standing = None
    try:
        commit = finding.revision_for(connection, asker, kind, full, revision).commit
    except WithheldError:
        commit = None
    if commit is not None and kind is Kind.MODEL:
        standing = states.of(connection, repo, commit)
    return Shelf(
        repo, revision, commit, standing,
        kind is Kind.DATASET or finding.sees_drafts(connection, asker, repo),
        kind is Kind.MODEL and asker.may_approve(repo), _approved(connection, repo),
    )  # fmt: skip


def seen(connection: Connection, visit: Visit, name: str) -> Repo | None:
    """Return the model of this name, if the visitor sees it in lists."""
    repo = repos.find(connection, Kind.MODEL, name)
    if repo is None or repo.name != name or not visit.asker.may_read(repo):
        return None
    return repo if repo.published or finding.sees_drafts(connection, visit.asker, repo) else None


def place_seen(connection: Connection, visit: Visit, name: str) -> str:
    """Return where the pages of the model of this name begin; "" where the visitor sees none."""
    repo = seen(connection, visit, name)
    return place_of(repo) if repo else ""


def _approved(connection: Connection, repo: Repo) -> str | None:
    if repo.kind is Kind.DATASET:
        return None
    try:
        return revisions.resolve(connection, repo, APPROVED, drafts=False).id
    except WithheldError:
        return None


def held(found: Shelf) -> Commit:
    """Return the commit that is shown.

    Raises:
        WithheldError: Nothing is approved for this visitor.
    """
    if found.commit is None:
        raise WithheldError(f"{found.repo.name} has nothing approved under '{found.revision}'")
    return found.commit
