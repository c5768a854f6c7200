"""What goes into the ledger and what comes out of it, as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """A task, as the ledger keeps it.

    Attributes:
        fingerprint: Hash of data and objective.
        name: Short name for people.
        kind: "classification", "regression", …
        modality: "text" or "image".
        metric: Its main metric.
        rows: Number of rows in all parts.
        classes: Number of classes; 0 where there are none.
    """

    fingerprint: str
    name: str
    kind: str
    modality: str
    metric: str
    rows: int
    classes: int


@dataclass(frozen=True, slots=True)
class TrialEntry:
    """A finished trial.

    Attributes:
        key: Hash of what settles the numbers, at most 32 characters.
        task: Fingerprint of the task, which the ledger must hold already.
        base: Reference of the base; None for methods without one.
        base_revision: Hash of its weights; None likewise.
        method: How it was adapted.
        hyperparameters: Settings, JSON values.
        seed: Of everything random.
        steps: Optimiser steps; None for methods without them.
        status: "done", or "finalist" if it read the test rows.
        score: Validation score of the study's main metric, higher is better; None if unknown.
        metric: That metric.
        flop: Floating-point operations it took.
        seconds: Wall-clock seconds it took.
        record: The whole record (``TrialRecord``), JSON values.
        predictions: Part ("validation", "test") → bytes.
    """

    key: str
    task: str
    base: str | None
    base_revision: str | None
    method: str
    hyperparameters: Mapping[str, Any]
    seed: int
    steps: int | None
    status: str
    score: float | None
    metric: str
    flop: float
    seconds: float
    record: Mapping[str, Any]
    predictions: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class KnownTrial:
    """A trial that somebody paid for already.

    Attributes:
        key, task, status, seconds, flop, record, predictions: As in :class:`TrialEntry`.
        created: When it was added, in UTC.
        host, user: Where, and by whom.
    """

    key: str
    task: str
    status: str
    seconds: float
    flop: float
    record: dict[str, Any]
    predictions: dict[str, bytes] = field(repr=False)
    created: datetime
    host: str
    user: str


@dataclass(frozen=True, slots=True)
class SimilarTask:
    """A task near the one asked for.

    Attributes:
        fingerprint, name, rows: As in :class:`TaskEntry`.
        distance: Between the summaries; 0 for the same task.
    """

    fingerprint: str
    distance: float
    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The best trial of a method with a base on a task, by validation score, then cost.

    Attributes:
        task: Fingerprint.
        metric, method, base, base_revision, hyperparameters, score, flop, seconds, steps, key: As
            in :class:`TrialEntry`.
        trials: How many scored trials it is the best of.
    """

    task: str
    metric: str
    method: str
    base: str | None
    base_revision: str | None
    hyperparameters: dict[str, Any]
    score: float
    flop: float
    seconds: float
    steps: int | None
    key: str
    trials: int


@dataclass(frozen=True, slots=True)
class TrialGroup:
    """All trials of a method on a task.

    Attributes:
        task, name, kind, modality: As in :class:`TaskEntry`; ``task`` is its fingerprint.
        method: As in :class:`TrialEntry`.
        trials: How many.
        newest: When the last of them was added, in UTC.
    """

    task: str
    name: str
    kind: str
    modality: str
    method: str
    trials: int
    newest: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """What the ledger holds: counts, and what its trials cost in seconds and FLOP."""

    trials: int
    tasks: int
    studies: int
    seconds: float
    flop: float
