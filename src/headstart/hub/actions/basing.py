"""The bases of a candidate: those that this hub or this installation has, laid out beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection

from headstart.errors import HeadstartError
from headstart.hub.access import owners
from headstart.hub.access.model import Asker
from headstart.hub.actions.laying import laid_out
from headstart.hub.errors import NoRevisionError, WithheldError
from headstart.hub.gate.lineage import Lineage, read_lineage
from headstart.hub.hub import Hub
from headstart.hub.registry import repos, revisions, states
from headstart.hub.registry.model import Commit, Kind, State

_ONCE_GOOD = {State.APPROVED, State.RETIRED, State.EXPIRED}
_MOST = 4


@contextmanager
def bases_of(hub: Hub, folder: Path, commit: Commit) -> Iterator[dict[str, Path]]:
    """Give the folder of each base that a candidate names, by its names, as far as it is known.

    Of models in this hub that is the revision the candidate tells, if it was ever approved, else
    the approved one; and only of those that whoever made the candidate may know of.

    Args:
        hub: The hub.
        folder: The candidate's files.
        commit: The candidate.
    """
    lineage = read_lineage(folder)
    with ExitStack() as stack:
        found: dict[str, Path] = {}
        for name in lineage.models[:_MOST]:
            base = _commit(hub, name, lineage, commit.author)
            if base is not None:
                found[name] = stack.enter_context(laid_out(hub, base))
        found |= _bundled(lineage.base)
        yield found


def _commit(hub: Hub, name: str, lineage: Lineage, author: str) -> Commit | None:
    told = lineage.revision if name == lineage.hub_name else None
    return hub.database.read(lambda c: _known(c, name, told, author))


def _known(connection: Connection, name: str, told: str | None, author: str) -> Commit | None:
    repo = repos.find(connection, Kind.MODEL, name)
    asker = Asker(author, teams=owners.teams_of(connection, author))
    if repo is None or not asker.may_read(repo):
        return None
    with suppress(NoRevisionError):
        if told is not None:
            commit = revisions.resolve(connection, repo, told, drafts=True)
            good = states.of(connection, repo, commit).state in _ONCE_GOOD
            return commit if good else None
    with suppress(NoRevisionError, WithheldError):
        return revisions.resolve(connection, repo, "approved", drafts=False)
    return None


def _bundled(reference: str | None) -> dict[str, Path]:
    """Return the folder of a bundled language model: converting it takes long, and is kept."""
    source, _, name = (reference or "").partition(":")
    if source == "bundled":
        from headstart.base.source.bundled import SOURCE as BUNDLED  # torch: not for a server

        with suppress(HeadstartError):
            folder = BUNDLED.configured(name)
            if folder is not None:
                return {f"bundled:{name}": folder}
    return {}
