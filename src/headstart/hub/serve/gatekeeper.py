"""Judges revisions while the hub serves: one after the other, beside the requests."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headstart.errors import HeadstartError
from headstart.hub.actions import gating
from headstart.hub.errors import BusyError
from headstart.hub.gate.standard import Standard, default_standard, read_standard
from headstart.hub.hub import Hub
from headstart.hub.registry.model import Commit, Repo
from headstart.progress import Advance, Silent

_log = logging.getLogger("headstart.hub")
_MOST = 100  # revisions that wait; each takes seconds to minutes
_REMEMBERED = 1000


@dataclass(frozen=True)
class _Job:
    repo: Repo
    commit: Commit
    by: str


@dataclass(frozen=True)
class Step:
    """How far the gate is with a revision; ``number`` is 0 while it waits."""

    done: int = 0
    number: int = 0


class _Counting(Silent):
    """Counts the checks that are done."""

    step = Step()

    @contextmanager
    def bar(self, label: str, total: float) -> Iterator[Advance]:
        """Count the units of a stretch of work."""
        self.step = Step(0, int(total))

        def advance(units: float = 1.0) -> None:
            self.step = Step(self.step.done + int(units), self.step.number)

        yield advance


class Gatekeeper:
    """Lets revisions through a standard's gate that people ask for from afar.

    What it finds is kept with the revision, as :func:`~headstart.hub.actions.gating.judge` does;
    what waits when the server stops is asked for again.

    Args:
        hub: The hub.
        standard: The standard's file; the packaged standard if None.

    Attributes:
        standard: What is asked of models.
        is_chosen: Whether the keeper named a standard: then the pages offer the gate, too.

    Raises:
        RequestError: The standard, or data that it names, cannot be read.
    """

    def __init__(self, hub: Hub, standard: Path | None = None) -> None:
        self.standard: Standard = (
            default_standard() if standard is None else read_standard(standard)
        )
        self.is_chosen = standard is not None
        self._hub = hub
        self._data = gating.data_of(self.standard, standard)
        self._waiting: queue.Queue[_Job] = queue.Queue(_MOST)
        self._lock = threading.Lock()
        self._open: dict[str, _Counting] = {}
        self._faults: dict[str, str] = {}
        self._thread: threading.Thread | None = None

    def judge(self, repo: Repo, commit: Commit, by: str) -> None:
        """Have a revision judged soon; one that waits already is judged once.

        Raises:
            BadRequestError: Somebody has decided on it.
            BusyError: Too many wait.
        """
        self._hub.database.read(lambda c: gating.check_open(c, repo, commit))
        with self._lock:
            if commit.id in self._open:
                return
            try:
                self._waiting.put_nowait(_Job(repo, commit, by))
            except queue.Full:
                raise BusyError(f"{_MOST} revisions wait to be judged", mend="ask later") from None
            self._open[commit.id] = _Counting()
            self._faults.pop(commit.id, None)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="gate", daemon=True)
                self._thread.start()

    def is_judging(self, commit: Commit) -> bool:
        """Whether a revision waits, or is being judged."""
        with self._lock:
            return commit.id in self._open

    def step(self, commit: Commit) -> Step | None:
        """Return how far the gate is with a revision; None where it is not asked to judge it."""
        with self._lock:
            found = self._open.get(commit.id)
        return None if found is None else found.step

    def fault(self, commit: Commit) -> str | None:
        """Return why a revision could not be judged, if that was so the last time."""
        with self._lock:
            return self._faults.get(commit.id)

    def _work(self) -> None:
        while True:
            job = self._waiting.get()
            fault = self._judged(job)
            with self._lock:
                del self._open[job.commit.id]
                if fault is not None:
                    while len(self._faults) >= _REMEMBERED:
                        self._faults.pop(next(iter(self._faults)))
                    self._faults[job.commit.id] = fault

    def _judged(self, job: _Job) -> str | None:
        """Judge one revision; return what kept it from being judged."""
        try:
            gating.judge(
                self._hub, job.repo, job.commit.id, self.standard, job.by,
                self._open[job.commit.id], self._data,
            )  # fmt: skip
        except HeadstartError as error:
            return str(error)
        except Exception:  # the thread must go on with the next one
            _log.exception("the gate failed on %s at %s", job.repo.name, job.commit.id)
            return "the gate failed; the server's log has the details"
        return None
