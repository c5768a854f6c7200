"""The verdict in plain words: one headline, then the reasons."""

from __future__ import annotations

from headstart.measure.score import METRICS
from headstart.study.decide import Standing, Verdict, best_key
from headstart.study.record import Alternatives, DecisionRecord
from headstart.study.remembrance import remembrance
from headstart.study.trial import Context
from headstart.study.words import (
    amount,
    chance,
    gap,
    listed,
    metric_name,
    plural,
    signed,
    with_interval,
)

FROZEN = ("probe", "prototype")


def decision_record(context: Context, verdict: Verdict, advice: list[str]) -> DecisionRecord:
    """Return the verdict in plain words."""
    delivered = verdict.delivered
    smallest = min(verdict.ties, key=lambda s: (s.record.parameters, s.cost))
    cheapest = min(verdict.ties, key=lambda s: s.cost)
    headline, reasons = headline_of(context, verdict), reasons_for(context, verdict)
    return DecisionRecord(
        key=best_key(context, delivered),
        arm=delivered.record.name,
        headline=headline,
        why=" ".join(reasons),
        reasons=reasons,
        ties=[best_key(context, s) for s in verdict.ties],
        alternatives=Alternatives(
            cheapest_tie=best_key(context, cheapest), smallest_tie=best_key(context, smallest)
        ),
        advice=advice,
    )


def headline_of(context: Context, verdict: Verdict) -> str:
    """Return the verdict in one sentence."""
    metric, delivered = context.metric, verdict.delivered
    name, method = delivered.record.name, delivered.record.method
    scored = f"{with_interval(metric, delivered.record.scores['test'][metric])}"
    direction = "" if METRICS.get(metric).higher_is_better else ", lower is better,"
    what = f"{metric_name(metric)}{direction} on the test rows: {scored}"
    if verdict.undecided is not None:
        return (
            f"Not decided: {_cannot_tell(context, verdict, verdict.undecided)}; "
            f"{name} is delivered ({what})."
        )
    if verdict.transfer is None:
        tried = any(not arm.method.control for arm in verdict.unfinished)
        why = "No adapted model could be made" if tried else "Only controls were run"
        return f"{why}; {name} is the best of the controls ({what})."
    if delivered.record.baseline:
        return _no_help(metric, verdict, verdict.transfer, what)
    trained = any(s.arm.method.trains_steps and not s.record.baseline for s in verdict.standings)
    if method in FROZEN and trained:
        return (
            f"Frozen features are enough: {name} ({what}); training the base within this budget "
            "gained nothing that can be shown."
        )
    return f"Use {name} ({what})."


def _no_help(metric: str, verdict: Verdict, transfer: Standing, what: str) -> str:
    """Return the headline where a control is delivered and transfer was tried."""
    name = verdict.delivered.record.name
    found = verdict.between(verdict.delivered, transfer, "test")
    if found is not None and found.verdict == "worse":
        return (
            f"Validation showed no gain from transfer, but on the test rows "
            f"{transfer.record.name} is {gap(metric, found)} better than {name}, which is "
            f"delivered ({what})."
        )
    how = "is as good as" if transfer in verdict.ties else "beats"
    return f"Transfer did not help here: {name} {how} the best adapted model ({what})."


def _cannot_tell(context: Context, verdict: Verdict, other: Standing) -> str:
    """Return "4 validation rows cannot tell A from B (difference +25.0 points [-40.2, 78.1])"."""
    found = verdict.between(verdict.delivered, other, "validation")
    assert found is not None
    return (
        f"{plural(len(context.task.validation), 'validation row')} cannot tell "
        f"{verdict.delivered.record.name} from {other.record.name} "
        f"(difference {signed(context.metric, found)})"
    )


def reasons_for(context: Context, verdict: Verdict) -> list[str]:
    """Return the reasons in full sentences, the choice first, then what the test rows say."""
    reasons = [_choice(context, verdict)]
    if verdict.unlearnt:
        reasons.append(
            f"Beware: {plural(len(context.task.validation), 'validation row')} cannot tell "
            f"{verdict.best.record.name} from always giving the commonest answer."
        )
    reasons += _against(context, verdict, controls=True)
    reasons += _against(context, verdict, controls=False)
    if verdict.delivered.record.baseline and verdict.undecided is None:
        reasons += _no_gain(verdict)
    reasons += remembrance(context, verdict)
    reasons += _missing(context, verdict)
    if context.seeds < 3 and any(s.arm.method.trains_steps for s in verdict.standings):
        reasons.append(
            f"Trained methods were repeated over {plural(context.seeds, 'seed')} only: "
            "differences between them are less sure than their intervals say."
        )
    return reasons


def _missing(context: Context, verdict: Verdict) -> list[str]:
    """Name what is not in the comparison, and why: controls first, then seeds that failed."""
    sentences = []
    for arm in sorted(verdict.unfinished, key=lambda arm: not arm.method.control):
        what = "The control" if arm.method.control else "The method"
        skipped = all(trial.status == "skipped" for trial in arm.trials)
        how = "was skipped" if skipped else "failed"
        why = next((trial.error for trial in arm.trials if trial.error), "no reason was given")
        sentences.append(f"{what} {arm.name} {how} and is missing from the comparison: {why}.")
    return sentences + _fewer_seeds(context, verdict)


def _fewer_seeds(context: Context, verdict: Verdict) -> list[str]:
    """Name the trained arms that have fewer seeds than were asked for, and why."""
    failed: list[str] = []
    unpaid: list[str] = []
    for standing in verdict.standings:
        ran, wanted = len(standing.arm.finalists), context.seeds
        if standing.arm.method.trains_steps and ran < wanted:
            broken = any(trial.status == "failed" for trial in standing.arm.trials)
            (failed if broken else unpaid).append(f"{standing.record.name} {ran} of {wanted}")
    sentences = [f"Seeds that finished, the others failed: {listed(failed)}."] if failed else []
    if unpaid:
        sentences.append(f"Seeds that the budget paid for: {listed(unpaid)}.")
    return sentences


def _choice(context: Context, verdict: Verdict) -> str:
    metric, best, delivered = context.metric, verdict.best, verdict.delivered
    if len(verdict.standings) == 1:
        return f"{best.record.name} is the only arm that finished."
    top = f"{best.record.name} scored highest on validation ({_value(best, metric)})"
    others = [s.record.name for s in verdict.ties if s is not best]
    if not others:
        from_all = "every other arm" + (" that reads the input" if verdict.unlearnt else "")
        return f"{top}, and a paired test tells it from {from_all}."
    rows = plural(len(context.task.validation), "validation row")
    told = f"{listed(others)} cannot be told from it by a paired test on {rows}"
    if verdict.undecided is not None:
        return (
            f"{top}; {told}. These rows leave room for a difference that matters, so cost alone "
            f"did not decide; {delivered.record.name} is delivered."
        )
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
    better = [
        f"{gap(metric, c)} better than {s.record.name}" for s, c in known if c.verdict == "better"
    ]
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


def _no_gain(verdict: Verdict) -> list[str]:
    transfer = verdict.transfer
    if transfer is None:
        return []
    found = verdict.between(verdict.delivered, transfer, "test")
    if found is None or found.verdict != "tie":
        return []
    return [
        f"{transfer.record.name}, the best adapted model, costs more and gains nothing that "
        "can be shown."
    ]
