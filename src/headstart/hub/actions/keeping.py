"""Repos, branches and tags: made, renamed, shown, deleted, by those who may."""

from __future__ import annotations

from sqlalchemy import Connection

from headstart.hub.access import owners
from headstart.hub.access.model import Asker, Role
from headstart.hub.actions import finding
from headstart.hub.actions.describing import blank
from headstart.hub.errors import BadTokenError, ForbiddenError
from headstart.hub.hub import Hub
from headstart.hub.registry import audit, commits, refs, repos, revisions
from headstart.hub.registry.model import Kind, Repo
from headstart.hub.registry.names import branch_name, repo_name


def create(hub: Hub, asker: Asker, kind: Kind, owner: str, name: str, *, private: bool) -> Repo:
    """Make a repo, and its team where nobody is called so.

    Raises:
        ForbiddenError: The namespace is another's, or the token only reads.
        ConflictError: The name is, or once was, another repo's.
    """
    full = repo_name(owner, name)

    def work(connection: Connection) -> Repo:
        _need_place(connection, asker, owner, full)
        repo = repos.create(connection, kind, owner, full, private=private)
        commits.begin(connection, repo, str(asker.name), [blank(hub)])
        audit.note(connection, str(asker.name), "create", full, kind=kind, private=private)
        return repo

    return hub.database.write(work)


def rename(hub: Hub, asker: Asker, kind: Kind, old: str, owner: str, name: str) -> None:
    """Rename a repo, within the asker's namespaces.

    Raises:
        NoRepoError: There is none, as far as the asker may know.
        ForbiddenError: One of the namespaces is another's.
        ConflictError: The name is, or once was, another repo's.
    """
    full = repo_name(owner, name)

    def work(connection: Connection) -> None:
        repo = finding.writable(connection, asker, kind, old)
        _need_place(connection, asker, owner, full)
        repos.rename(connection, repo, owner, full)
        audit.note(connection, str(asker.name), "rename", repo.name, to=full)

    hub.database.write(work)


def show(hub: Hub, asker: Asker, kind: Kind, name: str, *, private: bool) -> None:
    """Show a repo to its own people only, or to all."""

    def work(connection: Connection) -> None:
        repo = finding.kept(connection, asker, kind, name)
        repos.set_private(connection, repo, private)
        audit.note(connection, str(asker.name), "show", repo.name, private=private)

    hub.database.write(work)


def delete(hub: Hub, asker: Asker, kind: Kind, name: str) -> None:
    """Delete a repo."""

    def work(connection: Connection) -> None:
        repo = finding.kept(connection, asker, kind, name)
        repos.delete(connection, repo)
        audit.note(connection, str(asker.name), "delete", repo.name)

    hub.database.write(work)


def create_branch(
    hub: Hub, asker: Asker, kind: Kind, name: str, branch: str, start: str | None
) -> None:
    """Make a branch at a revision, ``main`` if None."""
    branch_name(branch)

    def work(connection: Connection) -> None:
        repo = finding.writable(connection, asker, kind, name)
        at = revisions.resolve(connection, repo, start or refs.MAIN, drafts=True)
        refs.create_branch(connection, repo, branch, at)
        audit.note(connection, str(asker.name), "branch", repo.name, branch=branch, commit=at.id)

    hub.database.write(work)


def create_tag(hub: Hub, asker: Asker, kind: Kind, name: str, tag: str, revision: str) -> None:
    """Make a tag at a revision."""
    branch_name(tag)

    def work(connection: Connection) -> None:
        repo = finding.writable(connection, asker, kind, name)
        at = revisions.resolve(connection, repo, revision, drafts=True)
        refs.create_tag(connection, repo, tag, at)
        audit.note(connection, str(asker.name), "tag", repo.name, tag=tag, commit=at.id)

    hub.database.write(work)


def remove_ref(hub: Hub, asker: Asker, kind: Kind, name: str, ref: str, what: str) -> None:
    """Remove a branch or a tag (``refs.BRANCH``, ``refs.TAG``)."""

    def work(connection: Connection) -> None:
        repo = finding.writable(connection, asker, kind, name)
        refs.remove(connection, repo, what, ref)
        audit.note(connection, str(asker.name), f"remove {what}", repo.name, name=ref)

    hub.database.write(work)


def squash(hub: Hub, asker: Asker, kind: Kind, name: str, branch: str, title: str) -> None:
    """Let a branch begin anew with the files it has; what readers get stays as it is."""

    def work(connection: Connection) -> None:
        repo = finding.writable(connection, asker, kind, name)
        made = commits.squash(connection, repo, branch, title=title, author=str(asker.name))
        audit.note(connection, str(asker.name), "squash", repo.name, branch=branch, commit=made.id)

    hub.database.write(work)


def _need_place(connection: Connection, asker: Asker, owner: str, full: str) -> None:
    """See that the asker may make such a repo; an unclaimed namespace becomes their team."""
    if asker.name is None:
        raise BadTokenError
    if asker.role < Role.WRITE:
        raise ForbiddenError(f"the token of {asker.name} only reads", mend="use one that writes")
    if not asker.within(full):
        raise ForbiddenError(f"the token of {asker.name} is not for '{full}'")
    if owners.kind_of(connection, owner) is None and asker.scope is None:
        owners.found_team(connection, owner, asker.name)
        return
    if owners.kind_of(connection, owner) == owners.MIRROR:
        raise ForbiddenError(
            f"'{owner}' is mirrored from another hub: nothing is made in it here",
            mend="choose a namespace of your own",
        )
    if not asker.may_create(owner):
        raise ForbiddenError(
            f"{asker.name} does not belong to '{owner}'", mend="ask its members to add you"
        )
