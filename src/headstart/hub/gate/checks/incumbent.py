"""Is the model better than the approved revision that it is to replace?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from headstart.hub.gate.model import JSON, Candidate, Finding, Reason, judged
from headstart.hub.gate.running.check import RunningCheck
from headstart.hub.gate.running.loading import subject_in
from headstart.hub.gate.running.scoring import read_reference, written_answers
from headstart.hub.gate.running.subject import Subject
from headstart.hub.gate.standard import ReferenceTask
from headstart.measure.compare import SIGNIFICANCE, Comparison, compare, holm
from headstart.measure.score import METRICS


@dataclass(frozen=True)
class _Pair:
    rule: ReferenceTask
    found: Comparison

    def __str__(self) -> str:
        gap = self.found.in_merit(self.rule.metric).difference
        return (
            f"{self.rule.name}: {self.found.verdict} in {self.rule.metric} by {gap.value:+.4g} "
            f"[{gap.low:+.4g}, {gap.high:+.4g}]"
        )


class Incumbent(RunningCheck):
    """On the reference tasks it is better on one by a paired test, and worse on none.

    Of several tasks the p-values are adjusted (Holm 1979), so that one lucky task is not enough.
    Where the standard says ``no-worse``, no task may be worse.
    """

    name: ClassVar[str] = "incumbent"

    def found(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        rules, before = candidate.standard.tasks, candidate.incumbent
        if before is None:
            return Finding(self.name, True, "There is no approved revision to be better than.")
        if not rules:
            words = "There is an approved revision, and the standard names no tasks to compare on."
            return Finding(self.name, False, words)
        pairs = _compared(candidate, before, rules)
        reasons = [Reason("", str(one)) for one in pairs if one.found.verdict == "worse"]
        needed = candidate.standard.incumbent
        if not reasons and needed == "better" and not _better(pairs):
            reasons = [Reason("", str(one)) for one in pairs]
        details: dict[str, JSON] = {"needed": needed, "tasks": [_row(one) for one in pairs]}
        must = "not be worse" if needed == "no-worse" else "be better"
        mend = f"It must {must} than the approved revision, by a paired test on the same rows."
        return judged(
            self.name, reasons, good="; ".join(map(str, pairs)) + ".", mend=mend, details=details
        )


def _compared(candidate: Candidate, before: Path, rules: tuple[ReferenceTask, ...]) -> list[_Pair]:
    """Return how the two models' predictions of the same rows differ."""
    new = subject_in(candidate.folder, candidate.bases)
    old = subject_in(before, candidate.bases)
    return [_Pair(rule, _comparison(candidate, rule, new, old)) for rule in rules]


def _comparison(
    candidate: Candidate, rule: ReferenceTask, new: Subject, old: Subject
) -> Comparison:
    reference = read_reference(candidate, rule, new)
    names = reference.names(new, old)
    return compare(
        reference.objective, names, written_answers(reference),
        [reference.told(new, names)], [reference.told(old, names)], rule.metric,
    )  # fmt: skip


def _better(pairs: list[_Pair]) -> bool:
    adjusted = holm([one.found.p_value for one in pairs])
    return any(
        one.found.verdict == "better" and p < SIGNIFICANCE
        for one, p in zip(pairs, adjusted, strict=True)
    )


def _row(pair: _Pair) -> dict[str, JSON]:
    gap = pair.found.difference
    return {
        "task": pair.rule.name, "metric": pair.rule.metric, "verdict": pair.found.verdict,
        "difference": gap.value, "low": gap.low, "high": gap.high, "p": pair.found.p_value,
        "higher_is_better": METRICS.get(pair.rule.metric).higher_is_better,
    }  # fmt: skip
