"""Approval: somebody who may says that a revision is good, and readers get it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from headstart.hub.access.model import Asker
from headstart.hub.actions import finding
from headstart.hub.actions.describing import describe
from headstart.hub.errors import BadRequestError, ForbiddenError
from headstart.hub.hub import Hub
from headstart.hub.registry import audit, commits, refs, repos, revisions, states
from headstart.hub.registry.model import Commit, Kind, Repo, State
from headstart.hub.registry.names import key_of

_TO_APPROVE = {State.GATED, State.EXPIRED, State.RETIRED}
_AFTER = {
    State.RETIRED: {State.APPROVED, State.EXPIRED},
    State.REVOKED: {State.APPROVED, State.EXPIRED, State.RETIRED, State.GATED},
    State.REFUSED: {State.CANDIDATE, State.GATED},
}


def ways(state: State) -> list[State]:
    """Return what somebody who approves may make of a revision in a state."""
    found = [State.APPROVED] if state in _TO_APPROVE else []
    return found + [after for after, before in _AFTER.items() if state in before]


def objection(
    connection: Connection, repo: Repo, commit: Commit, asker: Asker
) -> ForbiddenError | None:
    """Return why somebody who approves here may not approve this revision; None if they may."""
    rules = (states.of(connection, repo, commit).evidence or {}).get("approval", {})
    try:
        _check_others(connection, repo, commit, asker, bool(rules.get("own", False)))
        _check_role(asker, rules)
    except ForbiddenError as why:
        return why
    return None


def approve(hub: Hub, asker: Asker, name: str, revision: str) -> Commit:
    """Publish a model's revision that has passed the gate, once enough have said so.

    Args:
        hub: The hub.
        asker: Who approves.
        name: The model.
        revision: What is approved; the commit that this means now, and its content.

    Raises:
        ForbiddenError: The asker may not approve, or would approve what is their own.
        BadRequestError: It has not passed the gate.
    """

    def work(connection: Connection) -> Commit:
        repo, commit = _judged(connection, asker, name, revision)
        standing = states.of(connection, repo, commit)
        if standing.state not in _TO_APPROVE:
            raise BadRequestError(
                f"{repo.name} at {commit.id[:7]} is {standing.state}: only what has passed the "
                "gate can be approved",
                mend=f"headstart hub gate {repo.name} --revision {commit.id[:7]}",
                reason="not-passed",
            )
        evidence = standing.evidence or {}
        rules = evidence.get("approval", {})
        _check_others(connection, repo, commit, asker, bool(rules.get("own", False)))
        _check_role(asker, rules)
        agreed = sorted({*evidence.get("approved_by", ()), key_of(str(asker.name))})
        evidence = {**evidence, "approved_by": agreed}
        if len(agreed) < int(rules.get("least", 1)):
            states.put(connection, repo, commit, State.GATED, str(asker.name), evidence=evidence)
            audit.note(connection, str(asker.name), "agree", repo.name, commit=commit.id)
            return commit
        states.put(
            connection, repo, commit, State.APPROVED, str(asker.name), evidence=evidence,
            expires=_until(rules),
        )  # fmt: skip
        refs.publish(connection, repo, commit.id)
        shown = repos.by_id(connection, repo.id)
        describe(hub, connection, shown, commit, published=True)
        audit.note(
            connection, str(asker.name), "approve", repo.name, commit=commit.id, tree=commit.tree
        )
        return commit

    return hub.database.write(work)


def withdraw(
    hub: Hub, asker: Asker, name: str, revision: str, state: State, why: str = ""
) -> Commit:
    """Retire, revoke or refuse a revision: readers do not get it any more.

    Raises:
        ForbiddenError: The asker may not.
        BadRequestError: Its state does not lead there.
    """

    def work(connection: Connection) -> Commit:
        repo, commit = _judged(connection, asker, name, revision)
        now = states.of(connection, repo, commit).state
        if now not in _AFTER[state]:
            raise BadRequestError(f"{repo.name} at {commit.id[:7]} is {now}: it cannot be {state}")
        states.put(connection, repo, commit, state, str(asker.name))
        _republish(hub, connection, repo)
        audit.note(
            connection, str(asker.name), str(state), repo.name, commit=commit.id, why=why[:500]
        )
        return commit

    return hub.database.write(work)


def _judged(connection: Connection, asker: Asker, name: str, revision: str) -> tuple[Repo, Commit]:
    repo = finding.repo_for(connection, asker, Kind.MODEL, name)
    if not asker.may_approve(repo):
        raise ForbiddenError(
            f"{asker.name or 'a stranger'} may not approve here",
            mend="use a token of role 'approve'",
            reason="may-not-approve",
        )
    return repo, revisions.resolve(connection, repo, revision, drafts=True)


def _check_others(
    connection: Connection, repo: Repo, commit: Commit, asker: Asker, own: bool
) -> None:
    """See that nobody approves their own work: no commit since what was approved last is theirs."""
    if own:
        return
    good = states.approved_ids(connection, repo)
    for one in commits.history(connection, repo, commit):
        if one.id in good and one.id != commit.id:
            return
        if key_of(one.author) == key_of(str(asker.name)):
            raise ForbiddenError(
                f"{asker.name} made {one.id[:7]}: nobody approves their own model",
                mend="ask somebody else of role 'approve', or let the standard allow it",
                reason="own-model",
            )


def _check_role(asker: Asker, rules: dict[str, Any]) -> None:
    roles = rules.get("roles", ())
    if roles and str(asker.role) not in roles:
        raise ForbiddenError(
            f"the standard lets {' or '.join(roles)} approve, not {asker.role}",
            mend="use a token of such a role",
            reason="standards-role",
        )


def _until(rules: dict[str, Any]) -> datetime | None:
    days = rules.get("expires_days")
    return None if days is None else datetime.now(UTC) + timedelta(days=float(days))


def _republish(hub: Hub, connection: Connection, repo: Repo) -> None:
    """Let readers have the newest revision that is still approved, or none."""
    good = states.approved_ids(connection, repo)
    found = [commits.by_id(connection, repo, one) for one in good]
    newest = max(found, key=lambda one: one.serial, default=None)
    refs.publish(connection, repo, newest.id if newest else None)
    ref = refs.get(connection, repo, refs.MAIN)
    shown = newest or commits.by_id(connection, repo, ref.head if ref else "")
    describe(hub, connection, repo, shown, published=newest is not None)
