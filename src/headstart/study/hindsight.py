"""``--audit``: runs what the planner left out, and says what leaving it out cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.measure.score import METRICS
from headstart.method.model import METHODS
from headstart.study.arm import Arm, fit_at_once
from headstart.study.decide import Verdict
from headstart.study.evidence import HindsightRecord, HindsightRun
from headstart.study.race import Race
from headstart.study.record import TrialRecord
from headstart.study.runner import Runner
from headstart.study.shortlist import Shortlist
from headstart.study.trial import Context, run_trial
from headstart.study.words import gap_words, plural
from headstart.train.workbench import Workbench

JUDGE = "probe"  # what a base that was left out is tried with


@dataclass(frozen=True)
class _Late:
    """Something that was left out, and what it came to.

    Attributes:
        name: For people.
        early: What the planner saw of it when it left it out; None for nothing.
        record: The trial that the audit ran.
    """

    name: str
    early: float | None
    record: TrialRecord


def hindsight(
    context: Context,
    race: Race | None,
    chosen: Shortlist,
    benches: Sequence[Workbench],
    verdict: Verdict,
) -> HindsightRecord:
    """Train every rate of every arm as long as the longest run, probe every base left out.

    Regret is the test score of what validation would choose among everything, less that of what
    was delivered; the rank correlation (Kendall's tau) is between the scores at which the planner
    left arms out, and those at full length. None of this changes the decision.
    """
    from scipy.stats import kendalltau

    late = [*_trained(context, race), *_probed(context, chosen, benches)]
    metric, delivered = context.metric, verdict.delivered.record
    had = {part: delivered.scores[part][metric].value for part in ("validation", "test")}
    merit = METRICS.get(metric).merit

    def standing(one: _Late) -> float:
        return merit(_score(one.record, "validation", metric))

    ahead = [one for one in late if standing(one) > merit(had["validation"])]
    best = max(ahead, key=standing, default=None)
    regret = 0.0 if best is None else merit(_score(best.record, "test", metric) - had["test"])
    known = [one for one in late if one.early is not None]
    tau = None
    if len(known) > 2:
        scores = [standing(one) for one in known]
        tau = float(kendalltau([one.early for one in known], scores).statistic)
    tau = None if tau is None or tau != tau else round(tau, 6)
    return HindsightRecord(
        runs=[
            HindsightRun(
                name=one.name,
                early=one.early,
                validation=_score(one.record, "validation", metric),
                test=_score(one.record, "test", metric),
            )
            for one in late
        ],
        regret=round(regret, 6),
        correlation=tau,
        seconds=sum(one.record.cost.seconds for one in late),
        flop=sum(one.record.cost.flop for one in late),
        sentence=_sentence(metric, len(late), best, regret),
    )


def _trained(context: Context, race: Race | None) -> list[_Late]:
    """Train what did not run as long as the longest."""
    if race is None:
        return []
    length = max((runner.steps for runner in race.runners if runner.runs), default=0)
    found = []
    for runner in race.runners:
        if runner.arm.method.control or (runner.runs and runner.steps >= length):
            continue
        early = race.judge.score(runner.runs[-1][1]) if runner.runs else None
        record = run_trial(
            context, runner.arm.trial({**runner.setting, "steps": length}), final=True
        )
        context.store.drop_model(record.key)
        if record.status == "finalist":
            found.append(_Late(_named(runner, length), early, record))
    return found


def _named(runner: Runner, length: int) -> str:
    return f"{runner.label}, {plural(length, 'step')}"


def _probed(context: Context, chosen: Shortlist, benches: Sequence[Workbench]) -> list[_Late]:
    """Probe the bases that the ranking left out."""
    found = []
    for bench in benches:
        if bench.base not in chosen.dropped:
            continue
        arm = Arm(METHODS.get(JUDGE)(), bench)
        fit_at_once(context, arm)
        found += [_Late(arm.name, None, record) for record in arm.finalists]
    return found


def _score(record: TrialRecord, part: str, metric: str) -> float:
    return record.scores[part][metric].value


def _sentence(metric: str, count: int, best: _Late | None, regret: float) -> str:
    if not count:
        return "Nothing was left out: there is nothing to audit."
    ran = f"{plural(count, 'run')} that the planner left out"
    if best is None:
        return f"None of {ran} scores better on validation than what was delivered."
    return (
        f"Of {ran}, {best.name} scores best on validation; on the test rows it is "
        f"{gap_words(metric, regret)} than what was delivered."
    )
