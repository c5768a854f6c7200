"""Evidence from the ledger: studies, trials, and who writes to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.org.kinds import amount, fits
from headstart.org.proof import Filters, Proof
from headstart.org.studies import StudyTraits, study_traits

if TYPE_CHECKING:
    from datetime import datetime

    from headstart.ledger.ledger import Ledger
    from headstart.ledger.rows import TrialGroup

MOST = 1000
AT_ONCE = 50
FRESH_SECONDS = 10.0


class LedgerEvidence:
    """The ledger's newest thousand studies, its trials, and the ledger itself.

    What was read is used again for some seconds, and a study's record is read once: a page that
    asks for thirty things reads the ledger once.

    Args:
        ledger: Open, and closed by whoever opened it.
        clock: Seconds, only going up.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger, self._clock = ledger, clock
        self._traits: dict[str, StudyTraits | None] = {}
        self._studies: list[tuple[StudyTraits, datetime]] = []
        self._trials: list[TrialGroup] = []
        self._writers = 0
        self._read_at: float | None = None

    def find(self, kind: str, filters: Filters) -> list[Proof]:
        """Return what fits, the newest first.

        Raises:
            RequestError: As :class:`~headstart.ledger.ledger.Ledger`.
            WorkError: Likewise.
        """
        if kind not in ("study", "trial", "ledger"):
            return []
        self._refresh()
        if kind == "study":
            return [
                study.proof(created, f"ledger, study {study.key[:12]}")
                for study, created in self._studies
                if study.fits(filters)
            ]
        return self._of_trials(filters) if kind == "trial" else self._of_itself(filters)

    def _of_trials(self, filters: Filters) -> list[Proof]:
        return [
            Proof(
                f"{one.name}: {one.method} ({one.trials})",
                one.newest,
                f"ledger, task {one.task[:12]}",
                key=f"trial {one.task} {one.method}",
            )
            for one in self._trials
            if fits(_traits(one), filters)
        ]

    def _of_itself(self, filters: Filters) -> list[Proof]:
        trials = sum(one.trials for one in self._trials)
        tasks = len({one.task for one in self._trials})
        traits = {"writers": [amount(self._writers)], "tasks": [amount(tasks)]}
        if not trials or not fits(traits, filters):
            return []
        newest = max(one.newest for one in self._trials)
        title = f"ledger (trials: {trials:,}, tasks: {tasks:,}, users: {self._writers:,})"
        return [Proof(title, newest, "ledger", key="ledger")]

    def _refresh(self) -> None:
        now = self._clock()
        if self._read_at is not None and now - self._read_at < FRESH_SECONDS:
            return
        heads = self._ledger.newest_studies(MOST)
        unread = [one for one, _ in heads if one not in self._traits]
        for start in range(0, len(unread), AT_ONCE):
            some = unread[start : start + AT_ONCE]
            for key, record in self._ledger.study_records(some).items():
                self._traits[key] = study_traits(record, key)
        known = ((self._traits.get(key), created) for key, created in heads)
        self._studies = [(study, created) for study, created in known if study is not None]
        self._trials = self._ledger.trial_groups()
        self._writers = self._ledger.writers()
        self._read_at = now


def has_ledger(url: str) -> bool:
    """Whether there is a ledger to read: opening one that is not there would make it.

    Args:
        url: As for :meth:`~headstart.ledger.ledger.Ledger.open`.
    """
    scheme, found, place = url.partition("://")
    if not found:
        return Path(url).expanduser().exists()
    if scheme.partition("+")[0] != "sqlite":
        return True
    return Path(place.removeprefix("/")).expanduser().exists()


def _traits(one: TrialGroup) -> dict[str, list[str]]:
    return {"method": [one.method], "task": [one.kind], "modality": [one.modality]}
