"""What the tables of the page hold: trials, confusion, classes, mistakes, facts to reproduce."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headstart.report import units
from headstart.study.evidence import (
    ClassScore,
    Evidence,
    Mistake,
    PriceRecord,
    WrittenRecord,
)
from headstart.study.record import StudyRecord, TrialRecord

LARGEST_MATRIX = 30
_MOST_PAIRS = 25
_ANSWERS = 6  # rows shown side by side: the first, so that nobody chose them
_TEXT = 600  # characters of each


@dataclass(frozen=True, slots=True)
class TrialView:
    """One row of the table of trials; ``baseline`` marks the controls."""

    trial: TrialRecord
    baseline: bool
    arm: str
    hyperparameters: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the confusion matrix: a count, its share of the row's truth, in percent."""

    count: int
    share: int
    right: bool


@dataclass(frozen=True, slots=True)
class Confused:
    """Two classes of which the first was taken for the second ``count`` times."""

    truth: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class PriceView:
    """Steps of one kind: seconds predicted and taken, seconds nobody foretold, peak memory."""

    kind: str
    steps: int
    predicted: float
    took: float
    unforeseen: float
    predicted_bytes: int
    bytes: int


def trial_views(record: StudyRecord) -> list[TrialView]:
    """Return every trial: baselines first, then in the order in which they were run."""
    arm_of = {key: arm.name for arm in record.arms for key in arm.keys}
    marked = [(trial, True) for trial in record.baselines]
    marked += [(trial, False) for trial in record.trials]
    return [
        TrialView(
            trial=trial,
            baseline=baseline,
            arm=arm_of.get(trial.key, ""),
            hyperparameters=[
                (name, units.value_text(value))
                for name, value in sorted(trial.hyperparameters.items())
            ],
        )
        for trial, baseline in marked
    ]


def confusion_rows(record: StudyRecord, evidence: Evidence) -> list[list[Cell]]:
    """Return the whole matrix for at most 30 classes, else nothing."""
    if len(record.task.classes) > LARGEST_MATRIX:
        return []
    return [
        [
            Cell(count, round(100 * count / max(sum(row), 1)), across == down)
            for across, count in enumerate(row)
        ]
        for down, row in enumerate(evidence.confusion)
    ]


def most_confused(record: StudyRecord, evidence: Evidence) -> list[Confused]:
    """Return the pairs of classes that are confused most often, at most 25, worst first."""
    names = record.task.classes
    pairs = [
        Confused(names[down], names[across], count, count / max(sum(row), 1))
        for down, row in enumerate(evidence.confusion)
        for across, count in enumerate(row)
        if count and across != down
    ]
    pairs.sort(key=lambda pair: (-pair.count, -pair.share, pair.truth, pair.predicted))
    return pairs[:_MOST_PAIRS]


def worst_first(evidence: Evidence) -> list[ClassScore]:
    """Return the classes by F1, the worst first."""
    return sorted(evidence.per_class, key=lambda score: (score.f1, score.name))


def safe_mistakes(evidence: Evidence) -> list[Mistake]:
    """Return the mistakes, without any picture that is not data inside the page itself."""
    return [
        mistake
        if (mistake.picture or "data:image/").startswith("data:image/")
        else mistake.model_copy(update={"picture": None})
        for mistake in evidence.mistakes
    ]


def answers_shown(evidence: Evidence) -> list[WrittenRecord]:
    """Return the first written answers, long texts cut."""
    if evidence.answers is None:
        return []
    return [
        row.model_copy(
            update={
                "prompt": _cut(row.prompt),
                "reference": _cut(row.reference),
                "delivered": _cut(row.delivered),
                "untouched": None if row.untouched is None else _cut(row.untouched),
            }
        )
        for row in evidence.answers.rows[:_ANSWERS]
    ]


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"


def facts(values: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return nested facts as (heading, rows): plain values under "", each mapping under its key."""
    plain = [(_words(k), units.value_text(v)) for k, v in values.items() if not _nested(v)]
    groups = [("", plain)] if plain else []
    for key, value in values.items():
        if _nested(value):
            rows = [(str(name), units.value_text(part)) for name, part in value.items()]
            groups.append((_words(key), rows))
    return groups


def price_views(evidence: Evidence) -> list[PriceView]:
    """Return what each kind of step was predicted to take and took, and the whole."""
    kinds = dict.fromkeys(price.kind for price in evidence.prices)
    views = [_priced(kind, [p for p in evidence.prices if p.kind == kind]) for kind in kinds]
    return [*views, _priced("all", evidence.prices)] if len(views) > 1 else views


def _priced(kind: str, prices: list[PriceRecord]) -> PriceView:
    foretold = [p for p in prices if p.predicted_seconds is not None]
    return PriceView(
        kind=kind,
        steps=len(prices),
        predicted=sum(p.predicted_seconds or 0.0 for p in foretold),
        took=sum(p.seconds for p in foretold),
        unforeseen=sum(p.seconds for p in prices if p.predicted_seconds is None),
        predicted_bytes=max((p.predicted_bytes or 0 for p in prices), default=0),
        bytes=max((p.bytes or 0 for p in prices), default=0),
    )


def _nested(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value)


def _words(key: str) -> str:
    return key.replace("_", " ")
