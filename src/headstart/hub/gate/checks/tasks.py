"""Is the model good enough on the standard's reference tasks?"""

from __future__ import annotations

from typing import ClassVar

from headstart.hub.gate.model import JSON, Candidate, Finding, Reason, judged
from headstart.hub.gate.running.check import RunningCheck
from headstart.hub.gate.running.loading import subject_in
from headstart.hub.gate.running.scoring import read_reference, written_answers
from headstart.hub.gate.running.subject import Subject
from headstart.hub.gate.standard import ReferenceTask
from headstart.measure.interval import Interval, bootstrap
from headstart.measure.score import METRICS


class Tasks(RunningCheck):
    """Every score reaches its limit with its whole 95% interval."""

    name: ClassVar[str] = "tasks"

    def found(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        rules = candidate.standard.tasks
        if not rules:
            return Finding(self.name, True, "The standard names no reference tasks.")
        subject = subject_in(candidate.folder, candidate.bases)
        reasons: list[Reason] = []
        rows: list[JSON] = []
        told: list[str] = []
        for rule in rules:
            score, count, fingerprint = _scored(candidate, rule, subject)
            higher = METRICS.get(rule.metric).higher_is_better
            reached = score.low >= rule.at_least if higher else score.high <= rule.at_least
            words = (
                f"{rule.name}: {rule.metric} {score.value:.4g} [{score.low:.4g}, {score.high:.4g}]"
            )
            told.append(words)
            rows.append(
                {
                    "task": rule.name, "metric": rule.metric, "value": score.value,
                    "low": score.low, "high": score.high, "at_least": rule.at_least,
                    "rows": count, "fingerprint": fingerprint, "passed": reached,
                }
            )  # fmt: skip
            if not reached:
                end = "lower end" if higher else "upper end"
                limit = "at least" if higher else "at most"
                reasons.append(
                    Reason("", f"{words}, and the {end} must be {limit} {rule.at_least:g}")
                )
        return judged(
            self.name, reasons, good="; ".join(told) + ".",
            mend="Adapt it with more data or another base, or narrow the interval with more rows.",
            details={"tasks": rows},
        )  # fmt: skip


def _scored(
    candidate: Candidate, rule: ReferenceTask, subject: Subject
) -> tuple[Interval, int, str]:
    """Return a score with its interval, the number of rows behind it, and their hash."""
    reference = read_reference(candidate, rule, subject)
    names = reference.names(subject)
    found = reference.told(subject, names)
    targets = written_answers(reference)
    score = bootstrap(reference.objective, names, targets, [found], rule.metric)
    return score, len(reference.inputs), reference.fingerprint
