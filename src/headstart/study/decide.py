"""The decision: best on validation, ties to the cheaper; test rows only say its worth."""

from __future__ import annotations

from dataclasses import dataclass

from headstart.errors import WorkError
from headstart.measure.compare import Comparison, compare
from headstart.study.arm import Arm, arm_predictions, arm_record
from headstart.study.record import (
    Alternatives,
    ArmRecord,
    ComparisonRecord,
    DecisionRecord,
)
from headstart.study.scores import DIGITS, score_record
from headstart.study.trial import Context
from headstart.study.words import (
    amount,
    chance,
    gap,
    listed,
    metric_name,
    plural,
    with_interval,
)

FROZEN = ("probe", "prototype")


@dataclass(frozen=True)
class Standing:
    """An arm with its record."""

    arm: Arm
    record: ArmRecord

    def score(self, part: str, metric: str) -> float:
        """Return the arm's mean score."""
        return self.record.scores[part][metric].value

    @property
    def cost(self) -> float:
        """Operations of one fit: the same on every run, unlike seconds."""
        return self.record.flop


@dataclass(frozen=True)
class Verdict:
    """Everything a decision rests on.

    Attributes:
        standings: All arms that finished, best validation score first.
        delivered: The arm whose model is delivered.
        ties: Arms that validation cannot tell from the best, the delivered one among them.
        comparisons: Paired tests, validation and test.
    """

    standings: list[Standing]
    delivered: Standing
    ties: list[Standing]
    comparisons: list[ComparisonRecord]

    @property
    def best(self) -> Standing:
        """The arm with the highest validation score."""
        return self.standings[0]

    @property
    def transfer(self) -> Standing | None:
        """The best arm that transfers something; None if none finished."""
        return next((s for s in self.standings if not s.record.baseline), None)

    def between(self, first: Standing, second: Standing, part: str) -> ComparisonRecord | None:
        """Return the recorded comparison of two arms, seen from the first."""
        for found in self.comparisons:
            if (found.first, found.second, found.part) == (
                first.record.name,
                second.record.name,
                part,
            ):
                return found
        return None


def decide(context: Context, arms: list[Arm]) -> Verdict:
    """Choose by validation; compare the choice with every other arm, on both parts.

    Raises:
        WorkError: No arm finished.
    """
    finished = [Standing(arm, arm_record(context, arm)) for arm in arms if arm.finalists]
    if not finished:
        reasons = {t.error for arm in arms for t in arm.trials if t.error}
        raise WorkError(
            f"every trial failed: {'; '.join(sorted(reasons)) or 'no reason was given'}",
            where=str(context.store.folder / "log.txt"),
            mend="mend the cause and run the same command with --resume",
        )
    metric = context.metric
    order = sorted(finished, key=lambda s: (-s.score("validation", metric), s.cost))
    best = order[0]
    ties = [
        s for s in order if s is best or _compare(context, best, s, "validation").verdict == "tie"
    ]
    delivered = min(ties, key=lambda s: (s.cost, -s.score("validation", metric)))
    pairs = [(delivered, s) for s in order if s is not delivered]
    transfer = next((s for s in order if not s.record.baseline), None)
    if transfer is not None and transfer is not delivered:
        pairs += [(transfer, s) for s in order if s.record.baseline]
    comparisons = [
        _recorded(a, b, part, _compare(context, a, b, part))
        for a, b in pairs
        for part in ("validation", "test")
    ]
    return Verdict(order, delivered, ties, comparisons)


def decision_record(context: Context, verdict: Verdict, advice: list[str]) -> DecisionRecord:
    """Return the verdict in plain words."""
    delivered = verdict.delivered
    smallest = min(verdict.ties, key=lambda s: s.record.parameters)
    headline, reasons = headline_of(context, verdict), reasons_for(context, verdict)
    return DecisionRecord(
        key=best_key(context, delivered),
        arm=delivered.record.name,
        headline=headline,
        why=" ".join(reasons),
        reasons=reasons,
        ties=[best_key(context, s) for s in verdict.ties],
        alternatives=Alternatives(
            cheapest_tie=best_key(context, delivered), smallest_tie=best_key(context, smallest)
        ),
        advice=advice,
    )


def best_key(context: Context, standing: Standing) -> str:
    """Return the seed of an arm that did best on validation."""
    trials = standing.arm.finalists
    return max(trials, key=lambda t: t.scores["validation"][context.metric].value).key


def headline_of(context: Context, verdict: Verdict) -> str:
    """Return the verdict in one sentence."""
    metric, delivered = context.metric, verdict.delivered
    name, method = delivered.record.name, delivered.record.method
    scored = f"{with_interval(metric, delivered.record.scores['test'][metric])}"
    what = f"{metric_name(metric)} on the test rows: {scored}"
    if verdict.transfer is None:
        return f"Only controls were run; {name} is the best of them ({what})."
    if delivered.record.baseline:
        ahead = verdict.best is delivered
        how = "beats" if ahead and _alone(verdict) else "is as good as"
        return f"Transfer did not help here: {name} {how} the best adapted model ({what})."
    trained = any(s.arm.method.trains_steps and not s.record.baseline for s in verdict.standings)
    if method in FROZEN and trained:
        return f"Frozen features are enough: {name} ({what}); training the base gained no more."
    return f"Use {name} ({what})."


def reasons_for(context: Context, verdict: Verdict) -> list[str]:
    """Return the reasons in full sentences, the choice first, then what the test rows say."""
    reasons = [_choice(context, verdict)]
    reasons += _against(context, verdict, controls=True)
    reasons += _against(context, verdict, controls=False)
    if verdict.delivered.record.baseline and verdict.transfer is not None:
        reasons += _transfer_against_controls(context, verdict)
    if context.seeds < 3 and any(s.arm.method.trains_steps for s in verdict.standings):
        reasons.append(
            f"Trained methods were repeated over {plural(context.seeds, 'seed')} only: "
            "differences between them are less sure than their intervals say."
        )
    return reasons


def _choice(context: Context, verdict: Verdict) -> str:
    metric, best, delivered = context.metric, verdict.best, verdict.delivered
    top = f"{best.record.name} scored highest on validation ({_value(best, metric)})"
    others = [s.record.name for s in verdict.ties if s is not best]
    if not others:
        return f"{top}, and a paired test tells it from every other arm."
    rows = plural(len(context.task.validation), "validation row")
    told = f"{listed(others)} cannot be told from it by a paired test on {rows}"
    if delivered is best:
        return f"{top}; {told}, and it is the cheapest of them."
    return f"{top}, but {told}; {delivered.record.name} is the cheapest of these and is delivered."


def _value(standing: Standing, metric: str) -> str:
    return amount(metric, standing.score("validation", metric))


def _against(context: Context, verdict: Verdict, *, controls: bool) -> list[str]:
    """Return what the test rows say of the delivered arm next to controls, or to the others."""
    others = [
        s for s in verdict.standings if s is not verdict.delivered and s.record.baseline is controls
    ]
    found = [(s, verdict.between(verdict.delivered, s, "test")) for s in others]
    known = [(s, c) for s, c in found if c is not None]
    metric, sentences = context.metric, []
    better = [f"{gap(metric, c)} above {s.record.name}" for s, c in known if c.verdict == "better"]
    if better:
        sentences.append(f"On the test rows {verdict.delivered.record.name} is {listed(better)}.")
    tied = [f"{s.record.name} ({signed(metric, c)})" for s, c in known if c.verdict == "tie"]
    if tied:
        sentences.append(f"On the test rows no difference to {listed(tied)} can be shown: a tie.")
    for s, c in known:
        if c.verdict == "worse":
            sentences.append(
                f"On the test rows {s.record.name} turned out {gap(metric, c)} better "
                f"({chance(c.p_value)}), which validation could not show. The choice is not "
                "changed after the fact; weigh it yourself."
            )
    return sentences


def _transfer_against_controls(context: Context, verdict: Verdict) -> list[str]:
    transfer = verdict.transfer
    assert transfer is not None
    found = verdict.between(verdict.delivered, transfer, "test")
    if found is None or found.verdict != "tie":
        return []
    return [
        f"{transfer.record.name}, the best adapted model, costs more and gains nothing that "
        "can be shown."
    ]


def signed(metric: str, comparison: ComparisonRecord) -> str:
    """Return "+0.3 points [-0.9, 1.4]"."""
    d = comparison.difference
    if metric in ("r2", "spearman"):
        return f"{d.value:+.3f} [{d.low:.3f}, {d.high:.3f}]"
    return f"{100 * d.value:+.1f} points [{100 * d.low:.1f}, {100 * d.high:.1f}]"


def _alone(verdict: Verdict) -> bool:
    return len(verdict.ties) == 1


def _compare(context: Context, first: Standing, second: Standing, part: str) -> Comparison:
    task = context.task
    return compare(
        task.objective,
        task.classes,
        task.parts[part].targets,
        arm_predictions(context, first.arm, part),
        arm_predictions(context, second.arm, part),
        context.metric,
    )


def _recorded(
    first: Standing, second: Standing, part: str, comparison: Comparison
) -> ComparisonRecord:
    return ComparisonRecord(
        first=first.record.name,
        second=second.record.name,
        part="validation" if part == "validation" else "test",
        difference=score_record(comparison.difference),
        p_value=round(comparison.p_value, DIGITS),
        verdict=comparison.verdict,
    )
