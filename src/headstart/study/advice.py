"""What to try next, from what the trials and the audit showed."""

from __future__ import annotations

import math

from headstart.measure.score import METRICS
from headstart.study.arm import Arm
from headstart.study.curve import Curve, labels_sentence
from headstart.study.decide import Standing, Verdict
from headstart.study.record import TrialRecord
from headstart.study.trial import Context
from headstart.study.words import listed, plural, unbounded

CLEAR = 0.02  # of the metric: half an interval narrow enough to settle a choice

FEW_EPOCHS = 3  # fewer, and what training can do was not seen


def advise(context: Context, verdict: Verdict, arms: list[Arm], curves: list[Curve]) -> list[str]:
    """Return sentences, the most useful first."""
    return [
        *_undecided(context, verdict),
        *_labels(context, verdict, curves),
        *_underfed(context, arms),
        *_rising(context, arms),
        *_edges(arms),
        *_audit(context),
    ]


def _labels(context: Context, verdict: Verdict, curves: list[Curve]) -> list[str]:
    share = METRICS.get(context.metric).low >= 0.0
    names = [verdict.delivered.record.name]
    if verdict.transfer is not None:
        names.append(verdict.transfer.record.name)
    chosen = [c for name in names for c in curves if c.arm == name] or curves
    for curve in chosen:
        sentence = labels_sentence(curve, share)
        if sentence is not None:
            return [sentence]
    return []


def _undecided(context: Context, verdict: Verdict) -> list[str]:
    if verdict.undecided is not None:
        return [_rows_to_decide(context, verdict, verdict.undecided)]
    if len(verdict.ties) < 2:
        return []
    names = listed([s.record.name for s in verdict.ties])
    return [
        f"{names} are tied on {plural(len(context.task.validation), 'validation row')}: "
        "more labelled rows to compare on would tell more than more training."
    ]


def _rows_to_decide(context: Context, verdict: Verdict, other: Standing) -> str:
    """Return about how many rows tell the two apart: the variance falls as 1 / rows."""
    found = verdict.between(verdict.delivered, other, "validation")
    assert found is not None
    half = (found.difference.high - found.difference.low) / 2
    rows = len(context.task.validation)
    needed = max(rows + 1, math.ceil(rows * (half / CLEAR) ** 2))
    step = 10 ** max(0, math.floor(math.log10(needed)) - 1)  # two digits: it is a forecast
    needed = math.ceil(needed / step) * step
    within = f"{CLEAR:.3f}" if unbounded(context.metric) else f"{100 * CLEAR:.0f} points"
    return (
        f"Label more rows to compare on: about {needed:,} validation rows, "
        f"{needed - rows:,} more than now, would tell {verdict.delivered.record.name} from "
        f"{other.record.name} to within {within}."
    )


def _underfed(context: Context, arms: list[Arm]) -> list[str]:
    """Name trained arms that the budget let see the rows less than :data:`FEW_EPOCHS` times."""
    seen = {a.name: a.epochs for a in arms if a.cut_short and a.epochs is not None}
    few = {name: epochs for name, epochs in seen.items() if epochs < FEW_EPOCHS - 0.1}
    if not few:
        return []
    least = min(few.values())
    often = listed([f"{name} {epochs:.1f} times" for name, epochs in few.items()])
    return [
        f"Within this budget training saw the rows seldom ({often}): about "
        f"{math.ceil(FEW_EPOCHS / max(least, 0.01))} times the --budget would let it see them "
        f"{FEW_EPOCHS} times."
    ]


def _rising(context: Context, arms: list[Arm]) -> list[str]:
    """Name arms whose best evaluation was the last in every run: they were still learning."""
    rising = [arm.name for arm in arms if arm.finalists and all(map(_late, arm.finalists))]
    if not rising:
        return []
    return [f"{listed(rising)} did best at the very last step: a larger --budget may raise it."]


def _late(trial: TrialRecord) -> bool:
    scores = [point.validation for point in trial.curve if point.validation is not None]
    return len(scores) > 2 and scores[-1] > max(scores[:-1])


def _edges(arms: list[Arm]) -> list[str]:
    """Name arms whose winning rate was the highest or lowest tried."""
    sentences = []
    for arm in arms:
        tried = sorted(
            {t.hyperparameters["rate"] for t in arm.trials if "rate" in t.hyperparameters}
        )
        if len(tried) < 2 or not arm.finalists:
            continue
        rate = arm.finalists[0].hyperparameters["rate"]
        if rate in (tried[0], tried[-1]) and not arm.method.control:
            end = "lowest" if rate == tried[0] else "highest"
            sentences.append(f"{arm.name} did best at the {end} rate tried, {rate:.0e}.")
    return sentences


def _audit(context: Context) -> list[str]:
    codes = {warning.code: warning for warning in context.task.warnings}
    sentences = []
    if "label-conflicts" in codes:
        count = codes["label-conflicts"].count
        sentences.append(
            f"{plural(count, 'row')} have the same input and different labels: no model can "
            "get them all right. Settle them first."
        )
    if "class-imbalance" in codes and context.metric == "accuracy":
        sentences.append(
            "Classes are of very different size: --metric macro_f1 weighs every class the same, "
            "in training too."
        )
    if "leakage" in codes:
        sentences.append("Remove rows that are in two parts, and run again: scores are too high.")
    return sentences
