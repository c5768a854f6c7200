"""``study.json``, version 1: what a study leaves for machines, as pydantic models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ScoreRecord(_Record):
    """A score with its 95% interval."""

    value: float
    low: float
    high: float


class CostRecord(_Record):
    """What a trial cost. Times are measured; ``flop`` and bytes are the same on every run."""

    seconds: float
    cpu_seconds: float
    flop: float
    peak_bytes: int
    energy_joule: float | None
    trainable_parameters: int


class CurvePoint(_Record):
    """One evaluation while training."""

    step: int
    epoch: float
    learning_rate: float
    loss: float | None
    validation: float | None


class RatePoint(_Record):
    """One step of a learning-rate range test."""

    learning_rate: float
    loss: float


class RetentionRecord(_Record):
    """What a base could do before and after, on one suite; ``forgotten`` is a share of the score.

    ``fingerprint``: of the suite's rows. ``beside``: what else tells the two apart, by name
    ("linear CKA").
    """

    suite: str
    fingerprint: str
    metric: str
    part: Literal["validation", "test"]
    items: int
    before: ScoreRecord
    after: ScoreRecord
    forgotten: ScoreRecord
    beside: dict[str, float] = {}


class TrialRecord(_Record):
    """One base x method x hyperparameters x seed on the task; a baseline has the same shape.

    ``status``: "done" (a search run that lost), "finalist" (read the test rows), "failed"
    (``error`` says why), "skipped" (``error`` says why it was not run).
    ``scores``: part ("validation", "test") → metric name → score.
    """

    key: str
    base: str | None
    base_revision: str | None
    method: str
    hyperparameters: dict[str, Any]
    seed: int
    status: Literal["done", "finalist", "failed", "skipped"]
    scores: dict[str, dict[str, ScoreRecord]]
    cost: CostRecord
    retention: list[RetentionRecord] = []
    curve: list[CurvePoint] = []
    rate_finder: list[RatePoint] = []
    notes: list[str] = []
    error: str | None = None


class SweepPoint(_Record):
    """Adapted weights at a share of their way from the base: forgotten against the score.

    ``forgotten`` and ``high`` (the upper end of its interval) are those of the suite that lost
    most, ``score`` is the choice's metric; all on validation.
    """

    arm: str
    share: float
    forgotten: float
    high: float
    score: float


class WarningRecord(_Record):
    """What the audit found."""

    code: str
    message: str
    count: int
    examples: list[str]


class TaskRecord(_Record):
    """The task as the study saw it."""

    name: str
    kind: str
    objective: str
    modality: str
    input: list[str]
    target: str
    classes: list[str]
    rows: dict[str, int]
    split: str
    fingerprint: str
    metric: str
    detected: list[str]
    warnings: list[WarningRecord]


class ArmRecord(_Record):
    """All finalist trials (one a seed) of one base x method, taken together.

    ``scores`` are means over the seeds; their intervals come from a bootstrap over items and,
    where there are several, seeds. ``story``: what was done with the arm and why no more.
    """

    name: str
    base: str | None
    method: str
    keys: list[str]
    scores: dict[str, dict[str, ScoreRecord]]
    seconds: float
    flop: float
    parameters: int
    baseline: bool
    story: list[str] = []


class ComparisonRecord(_Record):
    """A paired test of two arms on the same items; ``difference`` is first minus second."""

    first: str
    second: str
    part: Literal["validation", "test"]
    difference: ScoreRecord
    p_value: float
    verdict: Literal["better", "worse", "tie"]


class LearningCurvePoint(_Record):
    """Score of one arm trained on ``labels`` rows; the band is over items and draws."""

    arm: str
    labels: int
    score: ScoreRecord


class Alternatives(_Record):
    """Other sensible choices among the ties."""

    cheapest_tie: str
    smallest_tie: str


class DecisionRecord(_Record):
    """What to use, and why, in plain words.

    ``headline``: one sentence. ``why``: the reasons. ``advice``: what to try next.
    """

    key: str
    arm: str
    headline: str
    why: str
    reasons: list[str]
    ties: list[str]
    alternatives: Alternatives
    advice: list[str]


class StudyRecord(_Record):
    """The whole of ``study.json``."""

    version: Literal[1] = 1
    task: TaskRecord
    budget: dict[str, Any]
    baselines: list[TrialRecord]
    trials: list[TrialRecord]
    arms: list[ArmRecord]
    comparisons: list[ComparisonRecord]
    learning_curve: list[LearningCurvePoint]
    decision: DecisionRecord
    reproduce: dict[str, Any]
