"""What a revision's name means, and to whom."""

from __future__ import annotations

from sqlalchemy import Connection

from headstart.hub.errors import NoRevisionError, WithheldError
from headstart.hub.registry import commits, refs, states
from headstart.hub.registry.model import Commit, Kind, Ref, Repo, State
from headstart.hub.registry.names import APPROVED

_WHY = {
    State.EXPIRED: "its approval has run out",
    State.RETIRED: "it was retired",
    State.REVOKED: "it was revoked: something is wrong with it",
}


def resolve(
    connection: Connection, repo: Repo, revision: str, *, drafts: bool, enforced: bool = True
) -> Commit:
    """Return the commit that a revision's name means.

    Args:
        connection: A transaction.
        repo: The repo.
        revision: A branch, a tag, ``approved``, or a commit's id (at least 7 digits of it).
        drafts: Whether the asker gets what nobody approved, whatever became of it.
        enforced: Whether others get what is approved only; else they get all of which nobody
            said no, and of a branch the newest such commit.

    Raises:
        NoRevisionError: There is none, as far as the asker may know.
        WithheldError: There is one, and it is not theirs to have.
    """
    revision = revision.removeprefix("refs/heads/").removeprefix("refs/tags/")
    ref = refs.get(connection, repo, refs.MAIN if revision == APPROVED else revision)
    if ref is None:
        found = commits.starting(connection, repo, revision) if commits.is_id(revision) else None
        if found is None:
            raise NoRevisionError(f"no branch, tag or commit '{revision[:100]}' in {repo.name}")
        ref = Ref(refs.TAG, revision, found.id, None)
    if repo.kind is Kind.DATASET or (drafts and revision != APPROVED):
        return commits.by_id(connection, repo, ref.head)
    if not enforced and revision != APPROVED:
        return _not_bad(connection, repo, ref)
    return _approved(connection, repo, ref, revision)


def unapproved(repo: Repo, revision: str, why: State | None = None) -> WithheldError:
    """Return the words for a reader who asks for what is not approved.

    Args:
        repo: The repo.
        revision: As the reader calls it.
        why: What became of it after it had been approved, if it had.
    """
    reason = _WHY.get(why) if why else None
    return WithheldError(
        f"{repo.name} has no approved revision under '{revision}': "
        + (reason or "what is pushed is a draft until it has passed the gate and somebody who may "
           "approves it"),
        mend=f"headstart hub gate {repo.name}; headstart hub approve {repo.name}",
    )  # fmt: skip


def _approved(connection: Connection, repo: Repo, ref: Ref, revision: str) -> Commit:
    """Return what of a branch or tag is approved; of main, the newest that still is."""
    good = states.approved_ids(connection, repo)
    at = ref.head if ref.kind == refs.TAG else ref.published
    if at in good:
        return commits.by_id(connection, repo, at)
    if at is not None and ref.kind == refs.BRANCH and good:
        left = [commits.by_id(connection, repo, one) for one in good]
        return max(left, key=lambda one: one.serial)
    if at is None:
        raise unapproved(repo, revision)
    why = states.of(connection, repo, commits.by_id(connection, repo, at)).state
    shown = at[:7] if ref.kind == refs.TAG else revision
    raise unapproved(repo, shown, why)


def _not_bad(connection: Connection, repo: Repo, ref: Ref) -> Commit:
    """Return the newest commit of a branch of which nobody said no; of a tag, its own."""
    bad = states.bad_ids(connection, repo)
    head = commits.by_id(connection, repo, ref.head)
    if head.id not in bad:
        return head
    if ref.kind == refs.BRANCH:
        for one in commits.history(connection, repo, head):
            if one.id not in bad and (one.serial or repo.mirror):  # the first is empty
                return one
    raise WithheldError(
        f"{repo.name} at {head.id[:7]} is not given out: it was refused by the gate, or revoked",
        mend="ask for another revision, or push a better one",
    )
