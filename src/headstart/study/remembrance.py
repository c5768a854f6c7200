"""What the verdict says of forgetting, in sentences."""

from __future__ import annotations

from headstart.measure.score import METRICS
from headstart.retention.suite import PARTS, Suite
from headstart.study.decide import Standing, Verdict, best_key, keeps_limit
from headstart.study.record import RetentionRecord, TrialRecord
from headstart.study.trial import Context
from headstart.study.words import amount, listed, metric_name, percent, plural

AS_IT_WAS = ("untouched", "probe")  # methods that show what the base gives without being changed
UNCHANGED = "It forgot nothing: the base's weights are as they were."


def remembrance(context: Context, verdict: Verdict) -> list[str]:
    """Return what the delivered model forgot, and what a limit cost; nothing if not measured."""
    if context.retention is None:
        return []
    measures = _trial(context, verdict.delivered).retention
    seen = [one for one in measures if one.part == "test"]
    told = [UNCHANGED] if seen and all(map(_unchanged, seen)) else [_told(one) for one in seen]
    if context.retention.limit is not None:
        told += _limit(context, verdict, context.retention.limit)
    return told


def _unchanged(one: RetentionRecord) -> bool:
    return one.forgotten.low == one.forgotten.high == 0.0


def _told(one: RetentionRecord) -> str:
    lost = one.forgotten
    how = f"{metric_name(one.metric)} {amount(one.metric, one.after.value)}, " \
          f"was {amount(one.metric, one.before.value)}"  # fmt: skip
    span = f"[{percent(lost.low)}, {percent(lost.high)}]"
    if lost.low > 0:
        return f"It forgot {percent(lost.value)} {span} of {one.suite} ({how})."
    if lost.high < 0:
        return f"It forgot nothing of {one.suite} and gained {percent(-lost.value)} ({how})."
    return f"That it forgot anything of {one.suite} cannot be shown: {percent(lost.value)} {span}."


def _limit(context: Context, verdict: Verdict, limit: float) -> list[str]:
    past = [s for s in verdict.standings if not keeps_limit(context, s)]
    if not past:
        return [f"Nothing that was tried forgot more than {percent(limit)}."]
    names = listed([standing.record.name for standing in past])
    found = [f"Past the limit of {percent(limit)}, and so not chosen from: {names}."]
    if verdict.delivered in past:
        return [f"Nothing that was tried keeps the limit of {percent(limit)}."]
    found += _blind(context, past, limit)
    kept = _kept(context, verdict, past)
    return found if kept is None else [*found, kept]


def _blind(context: Context, past: list[Standing], limit: float) -> list[str]:
    assert context.retention is not None
    benches = [standing.arm.bench for standing in past if standing.arm.bench is not None]
    suites = (context.retention.too_few(bench) for bench in benches)
    return [too_few(suite, limit) for suite in suites if suite is not None][:1]


def too_few(suite: Suite, limit: float) -> str:
    """Return the sentence on a suite whose rows cannot show that a limit is kept."""
    rows = plural(len(suite.targets(PARTS[0])), "retained row")
    return (
        f"{rows} of {suite.name} cannot show that trained weights forget less than "
        f"{percent(limit)}: retain a larger set, or allow more."
    )


def _kept(context: Context, verdict: Verdict, past: list[Standing]) -> str | None:
    """Return what share of the best gain is left within the limit, on the test rows."""
    ways = (s for name in AS_IT_WAS for s in verdict.standings if s.record.method == name)
    start = next(ways, None)
    if start is None:
        return None
    metric = context.metric
    merit = METRICS.get(metric).merit
    best = max(past, key=lambda standing: standing.merit(metric))
    first, whole, kept = (
        merit(standing.score("test", metric)) for standing in (start, best, verdict.delivered)
    )
    if whole <= first:
        return None
    share = (kept - first) / (whole - first)
    over = " over the probe" if start.record.method == "probe" else ""
    return f"Within the limit it keeps {percent(share)} of what {best.record.name} gained{over}."


def _trial(context: Context, standing: Standing) -> TrialRecord:
    key = best_key(context, standing)
    return next(trial for trial in standing.arm.finalists if trial.key == key)
