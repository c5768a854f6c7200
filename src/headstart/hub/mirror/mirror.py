"""The mirror: decides what is asked of the other hub, and how often; never makes a name its own.

A name is asked for there only if nobody here has it or ever had it, and its namespace is no user's
and no team's. What is here is served whatever becomes of the other hub.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Event, Lock, Thread

from sqlalchemy import Connection

from headstart.errors import HeadstartError
from headstart.hub.access import owners
from headstart.hub.access.model import Asker
from headstart.hub.errors import BadRequestError, NoRevisionError, WithheldError
from headstart.hub.hub import Hub
from headstart.hub.mirror.errors import NotThereError
from headstart.hub.mirror.keeping import Wanted, bring
from headstart.hub.mirror.upstream import Upstream
from headstart.hub.mirror.wire import Wire
from headstart.hub.registry import commits, refs, repos, revisions
from headstart.hub.registry.model import Kind, Repo
from headstart.hub.registry.names import APPROVED, branch_name, key_of

FETCHES, WAITERS, JOBS, REMEMBERED = 4, 16, 64, 10_000
_FAILED_SECONDS = 60.0
_REFRESH_PATIENCE = 5.0
_log = logging.getLogger("headstart.hub")
Key = tuple[Kind, str, str]


@dataclass
class Job:
    """One question to the other hub, under way or answered.

    Attributes:
        done: Set once it is answered.
        until: Until when the answer is not asked for again, in seconds of the monotonic clock.
        words: What went wrong; None if nothing did.
        bytes: How many have come.
    """

    done: Event = field(default_factory=Event)
    until: float = 0.0
    words: str | None = None
    bytes: int = 0

    def count(self, size: int) -> None:
        """Add bytes that came."""
        self.bytes += size


class Mirror:
    """What a server asks before it says that something is not here. For many threads.

    Args:
        hub: What is served.
        upstream: What is mirrored.
        namespaces: All that is mirrored of it; None: every namespace that is nobody's here.
        fresh_seconds: For how long a branch is not asked for again.
    """

    def __init__(
        self,
        hub: Hub,
        upstream: Upstream,
        *,
        namespaces: tuple[str, ...] | None = None,
        fresh_seconds: float = 600.0,
    ) -> None:
        self._hub, self._upstream, self._fresh = hub, upstream, fresh_seconds
        self._namespaces = None if namespaces is None else frozenset(map(key_of, namespaces))
        self._jobs: dict[Key, Job] = {}
        self._lock = Lock()
        self._fetching = BoundedSemaphore(FETCHES)
        self._waiting = BoundedSemaphore(WAITERS)
        self._room = BoundedSemaphore(JOBS)

    def look(self, asker: Asker, kind: Kind, name: str, revision: str, patience: float) -> None:
        """See that a revision is here and fresh, as far as the asker may, and as it should be.

        Args:
            asker: Who asks; strangers cause nothing.
            kind: What the repo holds.
            name: The repo.
            revision: A branch, tag or commit.
            patience: How long the asker can wait, seconds.

        Raises:
            WithheldError: It is not here yet, or did not come; the words say why.
        """
        if not asker.may_mirror(name):
            return
        here, ask = self._hub.database.read(lambda c: self._situation(c, kind, name, revision))
        if not ask:
            return
        job = self._job(Wanted(kind, name, revision, str(asker.name)), new=not here)
        done = self._waited(job, _REFRESH_PATIENCE if here else patience)
        if self._hub.database.read(lambda c: self._is_here(c, kind, name, revision)):
            return
        if not done:
            raise WithheldError(
                f"{name} is being fetched from the hub that is mirrored, "
                f"{job.bytes / 1e6:,.0f} MB by now: ask again in a while"
            )
        if job.words is not None:
            raise WithheldError(job.words)

    def _situation(
        self, connection: Connection, kind: Kind, name: str, revision: str
    ) -> tuple[bool, bool]:
        """Return whether the repo is here, and whether the other hub is to be asked."""
        if not _is_revision(revision):
            return False, False
        repo = repos.find(connection, kind, name)
        if repo is None:
            free = not repos.was(connection, kind, name) and self._is_ours(connection, name)
            return False, free
        if repo.mirror != self._upstream.address or revision == APPROVED:
            return True, False
        return True, not _is_fixed(connection, repo, revision)

    def _is_ours(self, connection: Connection, name: str) -> bool:
        """Whether a namespace is the mirror's to ask for: never a user's or a team's."""
        owner = name.partition("/")[0]
        if owners.kind_of(connection, owner) not in (None, owners.MIRROR):
            return False
        return self._namespaces is None or key_of(owner) in self._namespaces

    def _is_here(self, connection: Connection, kind: Kind, name: str, revision: str) -> bool:
        repo = repos.find(connection, kind, name)
        if repo is None:
            return False
        try:
            revisions.resolve(connection, repo, revision, drafts=True)
        except NoRevisionError:
            return False
        except WithheldError:
            return True
        return True

    def _job(self, wanted: Wanted, *, new: bool) -> Job:
        key = (wanted.kind, key_of(wanted.name), wanted.revision)
        with self._lock:
            job = self._jobs.get(key)
            if job is not None and (not job.done.is_set() or time.monotonic() < job.until):
                return job
            self._forget()
            job = self._jobs[key] = Job()
        if not self._room.acquire(blocking=False):
            job.words = "too much is being fetched from the hub that is mirrored: ask again later"
            job.done.set()
            return job
        Thread(target=self._work, args=(job, wanted, new), daemon=True).start()
        return job

    def _forget(self) -> None:
        if len(self._jobs) < REMEMBERED:
            return
        now = time.monotonic()
        self._jobs = {
            key: job
            for key, job in self._jobs.items()
            if not job.done.is_set() or (now < job.until and len(self._jobs) < 2 * REMEMBERED)
        }

    def _work(self, job: Job, wanted: Wanted, new: bool) -> None:
        lasts = _FAILED_SECONDS
        try:
            with self._fetching:
                for revision in _in_order(wanted.revision, new):
                    one = Wanted(wanted.kind, wanted.name, revision, wanted.asker)
                    bring(self._hub, self._upstream, one, job.count)
            lasts = self._fresh
        except NotThereError:
            pass
        except HeadstartError as error:
            job.words = error.what
            _log.warning("mirror of %s at %s: %s", wanted.name, wanted.revision, error.what)
        except Exception:
            job.words = f"'{wanted.name}' could not be mirrored"
            _log.exception("mirror of %s at %s", wanted.name, wanted.revision)
        finally:
            job.until = time.monotonic() + min(lasts, max(self._fresh, 0.0))
            job.done.set()
            self._room.release()

    def _waited(self, job: Job, patience: float) -> bool:
        """Wait for a job, unless many wait already: they would leave no thread to others."""
        if not self._waiting.acquire(blocking=False):
            return job.done.is_set()
        try:
            return job.done.wait(patience)
        finally:
            self._waiting.release()


def _in_order(revision: str, new: bool) -> tuple[str, ...]:
    """Return what is fetched: a new repo's main branch comes first."""
    wanted = refs.MAIN if revision == APPROVED else revision
    return (refs.MAIN, wanted) if new and wanted != refs.MAIN else (wanted,)


def _is_revision(name: str) -> bool:
    if name == APPROVED or commits.is_id(name):
        return True
    try:
        return bool(branch_name(name))
    except BadRequestError:
        return False


def _is_fixed(connection: Connection, repo: Repo, revision: str) -> bool:
    """Whether a revision is the id of a commit that is here: it can mean nothing else later."""
    if refs.get(connection, repo, revision) is not None:
        return False
    return commits.is_id(revision) and commits.starting(connection, repo, revision) is not None


def open_mirror(
    hub: Hub, wire: Wire, namespaces: Sequence[str] | None = None, minutes: float = 10
) -> Mirror:
    """Return the mirror of a hub; namespaces that are named are kept for it from now on.

    Args:
        hub: What is served.
        wire: The way to what is mirrored.
        namespaces: All that is mirrored of it; None: every one that is nobody's here.
        minutes: For how long a branch is not asked for again.

    Raises:
        ConflictError: A namespace is a user's or a team's here.
        BadRequestError: None may be called so.
    """

    def keep(connection: Connection) -> None:
        for one in namespaces or ():
            owners.set_aside(connection, one)

    hub.database.write(keep)
    only = tuple(namespaces) if namespaces else None
    return Mirror(hub, Upstream(wire), namespaces=only, fresh_seconds=minutes * 60)
