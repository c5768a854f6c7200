"""The arms as the page shows them: their order, their looks, and how each stands to the best."""

from __future__ import annotations

from dataclasses import dataclass

from headstart.report import units
from headstart.report.figures.comparison import Difference
from headstart.report.figures.style import Mark, mark
from headstart.study.record import ArmRecord, ComparisonRecord, ScoreRecord, StudyRecord


@dataclass(frozen=True, slots=True)
class ArmView:
    """One row of the table of arms.

    ``standing``: "delivered", "tie", "worse", "better" or "" where no paired test was made.
    ``tags``: other reasons to look at it ("cheapest tie", "smallest tie", "baseline").
    """

    look: Mark
    arm: ArmRecord
    score: ScoreRecord | None
    standing: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """One paired test, seen from the other arm: its difference to the delivered one."""

    difference: Difference
    verdict: str
    p_value: float


def test_score(arm: ArmRecord, metric: str) -> ScoreRecord | None:
    """Return the arm's test score on ``metric``, if it has one."""
    return arm.scores.get("test", {}).get(metric)


def arm_views(record: StudyRecord) -> list[ArmView]:
    """Return the arms, best test score first, each with its look and its standing."""
    metric = record.task.metric
    sign = 1.0 if units.lower_is_better(metric) else -1.0

    def order(arm: ArmRecord) -> tuple[bool, float, str]:
        score = test_score(arm, metric)
        return (score is None, sign * score.value if score else 0.0, arm.name)

    return [
        ArmView(
            look=mark(row),
            arm=arm,
            score=test_score(arm, metric),
            standing=_standing(arm, record),
            tags=_tags(arm, record),
        )
        for row, arm in enumerate(sorted(record.arms, key=order))
    ]


def comparison_views(record: StudyRecord, arms: list[ArmView]) -> list[ComparisonView]:
    """Return the test comparisons with the delivered arm, turned to "other minus delivered"."""
    found = {}
    for comparison in record.comparisons:
        if comparison.part == "test" and record.decision.arm in (
            comparison.first,
            comparison.second,
        ):
            seen = _from_the_other_side(comparison, record.decision.arm)
            found[seen.first] = seen
    return [
        ComparisonView(
            difference=Difference(view.look, view.arm.name, found[view.arm.name].difference),
            verdict=found[view.arm.name].verdict,
            p_value=found[view.arm.name].p_value,
        )
        for view in arms
        if view.arm.name in found
    ]


def _from_the_other_side(comparison: ComparisonRecord, delivered: str) -> ComparisonRecord:
    if comparison.second == delivered:
        return comparison
    old = comparison.difference
    turned = ScoreRecord(value=-old.value, low=-old.high, high=-old.low)
    verdicts = {"better": "worse", "worse": "better", "tie": "tie"}
    return comparison.model_copy(
        update={
            "first": comparison.second,
            "second": comparison.first,
            "difference": turned,
            "verdict": verdicts[comparison.verdict],
        }
    )


def _standing(arm: ArmRecord, record: StudyRecord) -> str:
    decision = record.decision
    if arm.name == decision.arm:
        return "delivered"
    if set(arm.keys) & set(decision.ties):
        return "tie"
    for comparison in record.comparisons:
        if comparison.part == "test" and {comparison.first, comparison.second} == {
            arm.name,
            decision.arm,
        }:
            return _from_the_other_side(comparison, decision.arm).verdict
    return ""


def _tags(arm: ArmRecord, record: StudyRecord) -> tuple[str, ...]:
    other = record.decision.alternatives
    tags = ["baseline"] if arm.baseline else []
    if arm.name != record.decision.arm:
        if other.cheapest_tie in arm.keys:
            tags.append("cheapest tie")
        if other.smallest_tie in arm.keys:
            tags.append("smallest tie")
    return tuple(tags)
