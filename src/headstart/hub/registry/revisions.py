"""What a revision's name means, and to whom."""

from __future__ import annotations

import re

from sqlalchemy import Connection

from headstart.hub.errors import NoRevisionError, WithheldError
from headstart.hub.registry import commits, refs, states
from headstart.hub.registry.model import Commit, Kind, Repo
from headstart.hub.registry.names import APPROVED

_SHORT = re.compile(r"[0-9a-f]{7,40}")


def resolve(connection: Connection, repo: Repo, revision: str, *, drafts: bool) -> Commit:
    """Return the commit that a revision's name means.

    Args:
        connection: A transaction.
        repo: The repo.
        revision: A branch, a tag, ``approved``, or a commit's id (at least 7 digits of it).
        drafts: Whether the asker gets what nobody approved.

    Raises:
        NoRevisionError: There is none, as far as the asker may know.
        WithheldError: There is one, and nobody approved it.
    """
    revision = revision.removeprefix("refs/heads/").removeprefix("refs/tags/")
    ref = refs.get(connection, repo, refs.MAIN if revision == APPROVED else revision)
    if ref is None:
        return _by_id(connection, repo, revision, drafts=drafts)
    if repo.kind is Kind.DATASET or (drafts and revision != APPROVED):
        return commits.by_id(connection, repo, ref.head)
    if ref.kind == refs.TAG:
        return _readable(connection, repo, commits.by_id(connection, repo, ref.head))
    if ref.published is None:
        raise unapproved(repo, revision)
    return _readable(connection, repo, commits.by_id(connection, repo, ref.published))


def unapproved(repo: Repo, revision: str) -> WithheldError:
    """Return the words for a reader who asks for what is not approved."""
    return WithheldError(
        f"{repo.name} has no approved revision under '{revision}': what is pushed is a draft "
        "until it has passed the gate and somebody who may approves it",
        mend=f"headstart hub gate {repo.name}; headstart hub approve {repo.name}",
    )


def _by_id(connection: Connection, repo: Repo, revision: str, *, drafts: bool) -> Commit:
    commit = commits.starting(connection, repo, revision) if _SHORT.fullmatch(revision) else None
    if commit is None:
        raise NoRevisionError(f"no branch, tag or commit '{revision[:100]}' in {repo.name}")
    if repo.kind is Kind.DATASET or drafts:
        return commit
    return _readable(connection, repo, commit)


def _readable(connection: Connection, repo: Repo, commit: Commit) -> Commit:
    if commit.id not in states.approved_ids(connection, repo):
        raise unapproved(repo, commit.id[:7])
    return commit
