"""The decision: best on validation, ties to the cheaper; test rows only say its worth."""

from __future__ import annotations

from dataclasses import dataclass, field

from headstart.errors import WorkError
from headstart.measure.compare import Comparison, compare
from headstart.measure.score import METRICS
from headstart.study.arm import Arm, arm_predictions, arm_record
from headstart.study.record import ArmRecord, ComparisonRecord
from headstart.study.scores import DIGITS, score_record
from headstart.study.trial import Context

BLIND = ("majority",)  # ignore the input
MISSED = 0.01  # of the metric: a lead this large is not given up for a control's lower cost
BLURRED = 0.05  # of the metric: half an interval this wide supports no verdict on transfer


@dataclass(frozen=True)
class Standing:
    """An arm with its record."""

    arm: Arm
    record: ArmRecord

    def score(self, part: str, metric: str) -> float:
        """Return the arm's mean score."""
        return self.record.scores[part][metric].value

    def merit(self, metric: str) -> float:
        """Return the mean validation score, with the sign that makes higher better."""
        return METRICS.get(metric).merit(self.score("validation", metric))

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
        unfinished: Arms that failed or were skipped.
        undecided: Where the validation rows are too few to say whether transfer helps: the
            control (or adapted model) that they cannot tell from the delivered arm.
        unlearnt: Validation cannot tell the best from an arm that ignores the input.
    """

    standings: list[Standing]
    delivered: Standing
    ties: list[Standing]
    comparisons: list[ComparisonRecord]
    unfinished: list[Arm] = field(default_factory=list)
    undecided: Standing | None = None
    unlearnt: bool = False

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

    The choice goes to the cheapest arm that a paired test cannot tell from the best, with two
    exceptions. An arm that ignores the input (majority) is chosen only if it is itself the best.
    And where a control would win by its price although the validation rows are too few to say
    that transfer does not help, the side that leads is chosen: see :func:`_undecided`. Under a
    limit on what is forgotten, only arms that keep it are chosen from.

    Raises:
        WorkError: No arm finished.
    """
    finished = [Standing(arm, arm_record(context, arm)) for arm in arms if arm.finalists]
    if not finished:
        raise _all_failed(context, arms)
    metric = context.metric
    ranked = sorted(finished, key=lambda s: (-s.merit(metric), s.cost))
    order = [s for s in ranked if keeps_limit(context, s)] or ranked
    best = order[0]
    tied = [
        s for s in order if s is best or _compare(context, best, s, "validation").verdict == "tie"
    ]
    ties = [s for s in tied if s is best or s.arm.method.name not in BLIND]
    cheapest = min(ties, key=lambda s: (s.cost, -s.merit(metric)))
    undecided = _undecided(context, ties, cheapest)
    delivered = cheapest if undecided is None else _instead(ties)
    return Verdict(
        standings=[*order, *(s for s in ranked if s not in order)],
        delivered=delivered,
        ties=ties,
        comparisons=_comparisons(context, ranked, delivered),
        unfinished=[arm for arm in arms if not arm.finalists],
        undecided=undecided,
        unlearnt=len(ties) < len(tied),
    )


def keeps_limit(context: Context, standing: Standing) -> bool:
    """Tell whether the model that an arm would deliver forgot no more than it may."""
    if context.retention is None:
        return True
    key = best_key(context, standing)
    trial = next(trial for trial in standing.arm.finalists if trial.key == key)
    return context.retention.keeps(trial)


def _instead(ties: list[Standing]) -> Standing:
    """Return what is delivered where no verdict on transfer is supported.

    The cheapest adapted model where one leads, else the leading control.
    """
    if ties[0].record.baseline:
        return ties[0]
    return min((s for s in ties if not s.record.baseline), key=lambda s: s.cost)


def _undecided(context: Context, ties: list[Standing], cheapest: Standing) -> Standing | None:
    """Return the tie that the best cannot be told from well enough to let its price decide.

    Only where a control would be delivered next to an adapted model that ties with it: that is
    the claim that transfer does not help, and a tie on few rows does not support it.
    """
    best, rival = ties[0], next((s for s in ties if not s.record.baseline), None)
    if rival is None or not cheapest.record.baseline:
        return None
    other = cheapest if rival is best else rival
    if best.record.baseline:  # the control leads: only what transfer may gain at most counts
        found = _compare(context, best, other, "validation").in_merit(context.metric)
        at_most = -found.difference.low
        return other if at_most > BLURRED else None
    return other if _blurred(_compare(context, best, other, "validation")) else None


def _blurred(comparison: Comparison) -> bool:
    """Whether a tie may hide a gain that matters: a large difference, or a wide interval."""
    found = comparison.difference
    return abs(found.value) > MISSED or (found.high - found.low) / 2 > BLURRED


def _comparisons(
    context: Context, order: list[Standing], delivered: Standing
) -> list[ComparisonRecord]:
    """Return the delivered arm against all others, and the best adapted model against controls."""
    pairs = [(delivered, s) for s in order if s is not delivered]
    transfer = next((s for s in order if not s.record.baseline), None)
    if transfer is not None and transfer is not delivered:
        pairs += [(transfer, s) for s in order if s.record.baseline]
    return [
        _recorded(a, b, part, _compare(context, a, b, part))
        for a, b in pairs
        for part in ("validation", "test")
    ]


def _all_failed(context: Context, arms: list[Arm]) -> WorkError:
    reasons = {t.error for arm in arms for t in arm.trials if t.error}
    return WorkError(
        f"every trial failed: {'; '.join(sorted(reasons)) or 'no reason was given'}",
        where=str(context.store.folder / "log.txt"),
        mend="mend the cause and run the same command with --resume",
    )


def best_key(context: Context, standing: Standing) -> str:
    """Return the seed of an arm that did best on validation."""
    trials = standing.arm.finalists
    merit = METRICS.get(context.metric).merit
    return max(trials, key=lambda t: merit(t.scores["validation"][context.metric].value)).key


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
