"""The gate: a revision is laid out, judged by a standard, and what was found is kept with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection

from headstart.errors import RequestError
from headstart.hub.actions.admitting import KEEPER
from headstart.hub.actions.basing import bases_of
from headstart.hub.actions.laying import laid_out
from headstart.hub.errors import BadRequestError, NoRepoError
from headstart.hub.gate.gate import Evidence, gate
from headstart.hub.gate.model import Candidate
from headstart.hub.gate.standard import Standard, default_standard, read_standard
from headstart.hub.hub import Hub
from headstart.hub.registry import audit, refs, repos, revisions, states
from headstart.hub.registry.model import Commit, Kind, Repo, State
from headstart.hub.registry.states import Standing
from headstart.progress import Progress

PACKAGED = "packaged:"
_OPEN = (State.CANDIDATE, State.GATED, State.EXPIRED)


def is_open(standing: Standing) -> bool:
    """Tell whether the gate may still say what becomes of a revision.

    What people decided (approved, retired, revoked, refused) is not the gate's to change; what
    it refused itself it may look at again, by another standard.
    """
    if standing.state is State.REFUSED:
        return standing.evidence is not None and not standing.evidence.get("passed", True)
    return standing.state in _OPEN


def judge(
    hub: Hub,
    repo: Repo,
    revision: str,
    standard: Standard,
    by: str,
    progress: Progress,
    data: Mapping[str, Path] | None = None,
) -> tuple[Commit, Evidence]:
    """Let a revision through the gate, or refuse it; either way the evidence is kept.

    Args:
        hub: The hub.
        repo: A model.
        revision: Which of its revisions.
        standard: What it must hold.
        by: Who asked for it.
        progress: Is told of each check.
        data: Where the data lie that the standard names, see :func:`data_of`.

    Raises:
        BadRequestError: Somebody has decided on the revision, before or meanwhile.
    """
    commit, incumbent = hub.database.read(lambda c: _found(c, repo, revision))
    hub.database.read(lambda c: check_open(c, repo, commit))
    with (
        laid_out(hub, commit) as folder,
        laid_out(hub, incumbent) as before,
        bases_of(hub, folder, commit) as bases,
    ):
        candidate = Candidate(
            folder=folder, name=repo.name, standard=standard, bases=bases,
            incumbent=before if incumbent else None,
            imported=hub.database.read(lambda c: _imported(c, repo, commit)), data=data or {},
        )  # fmt: skip
        evidence = gate(candidate, progress)
    state = State.GATED if evidence.passed else State.REFUSED
    rules = standard.model_dump(mode="json")
    kept = {**evidence.to_json(), "standard": rules, "approval": rules["approval"]}

    def keep(connection: Connection) -> None:
        check_open(connection, repo, commit)
        states.put(connection, repo, commit, state, by, evidence=kept)
        audit.note(connection, by, "gate", repo.name, commit=commit.id, state=state)

    hub.database.write(keep)
    return commit, evidence


def check_open(connection: Connection, repo: Repo, commit: Commit) -> None:
    """See that a revision is the gate's to judge.

    Raises:
        BadRequestError: Somebody has decided on it.
    """
    standing = states.of(connection, repo, commit)
    if not is_open(standing):
        raise BadRequestError(
            f"{repo.name} at {commit.id[:7]} is {standing.state}, by {standing.by}: the gate does "
            "not change what people decided",
            mend="push another revision, and have that judged",
            reason="decided",
        )


def judge_by_name(
    hub: Hub, name: str, revision: str, standard: Path | None, progress: Progress
) -> tuple[Commit, Evidence]:
    """Judge a revision for whoever keeps the hub.

    Args:
        hub: The hub.
        name: A model.
        revision: Which of its revisions.
        standard: A file; the packaged standard if None.
        progress: Is told of each check.

    Raises:
        NoRepoError: No such model.
        NoRevisionError: No such revision of it.
        BadRequestError: Somebody has decided on the revision.
        RequestError: The standard, or data that it names, cannot be read.
    """
    rules = default_standard() if standard is None else read_standard(standard)
    repo = hub.database.read(lambda c: repos.find(c, Kind.MODEL, name))
    if repo is None:
        raise NoRepoError(f"no model '{name}' in this hub")
    return judge(hub, repo, revision, rules, KEEPER, progress, data_of(rules, standard))


def data_of(standard: Standard, file: Path | None) -> dict[str, Path]:
    """Return where the data lie that a standard names: from its file on, packaged sets aside.

    Raises:
        RequestError: They are not there.
    """
    found = {}
    beside = Path() if file is None else file.resolve().parent
    for name in standard.references():
        place = beside / Path(name).expanduser()
        if name.startswith(PACKAGED) or (
            not place.exists() and "/" not in name and "." not in name
        ):
            continue  # a set by its name: what reads it says if there is none
        if not place.exists():
            raise RequestError(
                f"the standard names data that are not there: '{name}'",
                where=str(file or "the standard"),
                mend="paths are from the standard's file on",
            )
        found[name] = place
    return found


def _found(connection: Connection, repo: Repo, revision: str) -> tuple[Commit, Commit | None]:
    commit = revisions.resolve(connection, repo, revision, drafts=True)
    ref = refs.get(connection, repo, refs.MAIN)
    before = None
    if ref is not None and ref.published is not None and ref.published != commit.id:
        before = revisions.resolve(connection, repo, ref.published, drafts=True)
    return commit, before


def _imported(connection: Connection, repo: Repo, commit: Commit) -> str | None:
    """Return where the keeper brought a commit in from; None for one that was pushed."""
    if commit.author != KEEPER:
        return None
    for event in audit.events(connection, who=KEEPER, target=repo.name):
        if event.what == "import" and event.details.get("commit") == commit.id:
            return f"{event.details['source']}, revision {event.details['revision']}"
    return None
