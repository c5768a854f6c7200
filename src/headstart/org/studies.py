"""What a study shows, read off its ``study.json``, of this version of headstart or a newer one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from headstart.files import canonical, digest
from headstart.org.kinds import amount
from headstart.org.proof import Proof

FINISHED = ("done", "finalist")
_CONTROLS = frozenset({"majority", "tfidf", "untouched"})
_NAMED = 60  # characters of a task's name: it comes from the data


class _Read(BaseModel):
    # Only what is asked here: a newer version's record may hold more.
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Task(_Read):
    name: str
    kind: str
    modality: str


class _Trial(_Read):
    base: str | None
    method: str
    seed: int
    status: str
    retention: tuple[Any, ...] = ()


class _Settings(_Read):
    audit: bool = False
    labels_per_class: int | None = None
    forget_at_most: float | None = None


class _Reproduce(_Read):
    settings: _Settings = _Settings()


class _Study(_Read):
    task: _Task
    baselines: tuple[_Trial, ...] = ()
    trials: tuple[_Trial, ...] = ()
    learning_curve: tuple[Any, ...] = ()
    reproduce: _Reproduce = _Reproduce()


@dataclass(frozen=True)
class StudyTraits:
    """A study as evidence.

    Attributes:
        key: The digest of its record, as in the ledger.
        title: Its task and methods.
        traits: What it can be found by (``headstart.org.kinds``), but for ``beside``.
    """

    key: str
    title: str
    traits: Mapping[str, frozenset[str]]

    def fits(self, filters: Mapping[str, Any]) -> bool:
        """Whether this is a study that the filters ask for."""
        for name, values in filters.items():
            known = self.traits.get("method" if name == "beside" else name, frozenset())
            if known.isdisjoint(values):
                return False
        return True

    def proof(self, when: datetime | None, where: str) -> Proof:
        """Return it as evidence that lies at a place."""
        return Proof(self.title, when, where, key=f"study {self.key}")


def study_traits(record: Mapping[str, Any], key: str | None = None) -> StudyTraits | None:
    """Return what a study shows; None if the record is no study's.

    Args:
        record: The whole of ``study.json``, JSON values.
        key: Its digest, if it is known already.
    """
    try:
        study = _Study.model_validate(record)
    except ValidationError:
        return None
    finished = [one for one in (*study.trials, *study.baselines) if one.status in FINISHED]
    methods = list(dict.fromkeys(trial.method for trial in finished))
    bases = {trial.base for trial in finished if trial.base is not None}
    traits = {
        "method": frozenset(methods),
        "task": frozenset({study.task.kind}),
        "modality": frozenset({study.task.modality}),
        "source": frozenset(base.partition(":")[0] for base in bases),
        "bases": frozenset({amount(len(bases))}),
        "measured": _measured(study, finished),
    }
    named = study.task.name
    named = named if len(named) <= _NAMED else named[: _NAMED - 1] + "…"
    title = f"{named}: {', '.join(methods)}" if methods else named
    return StudyTraits(key or digest(canonical(record)), title, traits)


def _measured(study: _Study, finished: list[_Trial]) -> frozenset[str]:
    settings = study.reproduce.settings
    forgetting = any(trial.retention for trial in finished)
    repeated = {
        (trial.method, trial.base)
        for trial in finished
        if trial.seed > 0 and trial.status == "finalist" and trial.method not in _CONTROLS
    }
    found = {
        "forgetting": forgetting,
        "limit": forgetting and settings.forget_at_most is not None,
        "learning-curve": bool(study.learning_curve),
        "few-labels": settings.labels_per_class is not None,
        "seeds": bool(repeated),
        "audit": settings.audit,
    }
    return frozenset(name for name, holds in found.items() if holds)
