"""What the page says of forgetting: a row an arm and suite, and the plot."""

from __future__ import annotations

from dataclasses import dataclass

from headstart.measure.score import METRICS
from headstart.report.arms import ArmView
from headstart.report.figures.forgetting import Kept, learnt_against_forgotten
from headstart.report.figures.style import Mark
from headstart.report.plots import Plot
from headstart.study.evidence import Evidence
from headstart.study.record import RetentionRecord, ScoreRecord, StudyRecord, TrialRecord

NOTHING = ScoreRecord(value=0.0, low=0.0, high=0.0)


@dataclass(frozen=True, slots=True)
class KeptView:
    """One row of the table: an arm on a suite.

    ``verdict``: "forgot", "gained", "unchanged" where the base's weights are as they were, or ""
    where the interval holds nothing lost.
    ``within``: whether the upper end keeps the study's limit; None without one.
    """

    look: Mark
    arm: str
    delivered: bool
    measure: RetentionRecord
    verdict: str
    within: bool | None


def kept_views(record: StudyRecord, arms: list[ArmView]) -> list[KeptView]:
    """Return what each arm's best seed forgot of each suite, on held-out retained rows."""
    limit = limit_of(record)
    return [
        KeptView(
            look=view.look,
            arm=view.arm.name,
            delivered=view.arm.name == record.decision.arm,
            measure=measure,
            verdict=_verdict(measure.forgotten),
            within=None if limit is None else measure.forgotten.value <= limit,
        )
        for view in arms
        for measure in _measures(record, view)
    ]


def limit_of(record: StudyRecord) -> float | None:
    """Return the share that might be lost; None for no limit."""
    found = record.reproduce.get("settings", {}).get("forget_at_most")
    return None if found is None else float(found)


def of_features(record: StudyRecord) -> bool:
    """Tell whether it was the features of encoders that were measured."""
    trials = (*record.trials, *record.baselines)
    return any("linear CKA" in measure.beside for one in trials for measure in one.retention)


def forgetting_plot(record: StudyRecord, evidence: Evidence, arms: list[ArmView]) -> Plot | None:
    """Return learnt against forgotten; of several suites, the one an arm lost most of."""
    points = []
    for view in arms:
        if view.score is None:
            continue
        lost = [measure.forgotten for measure in _measures(record, view)]
        worst = max(lost, key=lambda one: one.value, default=None)
        if worst is None and not _keeps_its_base(view):
            continue
        points.append(Kept(view.look, view.arm.name, view.score, worst or NOTHING))
    if all(point.forgotten == NOTHING for point in points):
        return None
    metric = record.task.metric
    shape = learnt_against_forgotten(points, evidence.sweep, metric, limit_of(record))
    said = f"Test {metric} of each arm against what it forgot; the table has the same numbers."
    return Plot(shape, said) if shape else None


def _keeps_its_base(view: ArmView) -> bool:
    return view.arm.base is not None and view.arm.method in ("untouched", "fewshot", "probe")


def _measures(record: StudyRecord, view: ArmView) -> list[RetentionRecord]:
    trials = {t.key: t for t in [*record.trials, *record.baselines]}
    own = [trials[key] for key in view.arm.keys if key in trials]
    chosen = next((t for t in own if t.key == record.decision.key), _best(own, record))
    return [] if chosen is None else [m for m in chosen.retention if m.part == "test"]


def _best(trials: list[TrialRecord], record: StudyRecord) -> TrialRecord | None:
    metric = record.task.metric
    merit = METRICS.get(metric).merit
    scored = [t for t in trials if metric in t.scores.get("validation", {})]
    return max(scored, key=lambda t: merit(t.scores["validation"][metric].value), default=None)


def _verdict(lost: ScoreRecord) -> str:
    if lost.low == lost.high == 0.0:
        return "unchanged"
    if lost.low > 0:
        return "forgot"
    return "gained" if lost.high < 0 else ""
