"""One arm: a method on a base, its small search, and its winner over the seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from headstart.errors import UnwritableError
from headstart.method.model import Hyperparameters, Method, Setting
from headstart.study.record import ArmRecord, RatePoint, ScoreRecord, TrialRecord
from headstart.study.scores import all_scores
from headstart.study.trial import Context, Trial, failed, log, run_trial, skipped
from headstart.train.evaluate import Predictions
from headstart.train.workbench import Workbench

SEARCH = 1 / 3  # of the full steps, for each rate tried
MOST_EPOCHS = 10
FEWEST_CAP = 150  # steps that small data may take, however many epochs that makes
FEWEST_STEPS = 8  # below that a schedule means nothing
RANGE_TEST_FROM = 60  # full steps from which a range test is worth its price


@dataclass(frozen=True)
class Allowance:
    """What an arm's training may cost, and how it computes.

    Attributes:
        flop: Operations for its search and all its seeds.
        precision: See :class:`headstart.train.recipe.Recipe`.
    """

    flop: float
    precision: str


@dataclass
class Arm:
    """A method on a base, and what came of it.

    Attributes:
        method: How.
        bench: On which base; None for methods without one.
        trials: Every trial, in order.
        alone: The study has this one base: its name goes without saying.
    """

    method: Method
    bench: Workbench | None
    trials: list[TrialRecord] = field(default_factory=list)
    alone: bool = False

    @property
    def name(self) -> str:
        """Short name for tables and figures."""
        named = self.bench is not None and not self.alone
        return arm_name(self.method.name, self.bench.base if self.bench and named else None)

    @property
    def epochs(self) -> float | None:
        """Times that the longest finalist saw the training rows; None if it trains no steps."""
        seen = [trial.curve[-1].epoch for trial in self.finalists if trial.curve]
        return max(seen) if seen else None

    @property
    def finalists(self) -> list[TrialRecord]:
        """The trials that count: the winner, once a seed."""
        return [trial for trial in self.trials if trial.status == "finalist"]


def arm_name(method: str, base: str | None) -> str:
    """Return e.g. "probe · minilm-l6", or the method alone where there is no base."""
    if base is None:
        return method
    prefix, _, name = base.partition(":")
    short = name.rstrip("/").rsplit("/", 1)[-1] if prefix == "local" else name
    return f"{method} · {short}"


def run_arm(context: Context, arm: Arm, allowance: Allowance | None) -> None:
    """Search, then repeat the winner over the seeds; fills ``arm.trials``.

    Args:
        context: The study.
        arm: What to run.
        allowance: What its training may cost; None where it trains no steps.
    """
    reason = arm.method.refuse(context.task, arm.bench.card if arm.bench else None)
    if reason is not None:
        _skip(context, arm, reason)
        return
    context.progress.say(f"{arm.name}: {arm.method.summary}")
    try:
        settings = arm.method.search(context.task, arm.bench, context.metric)
        if not arm.method.trains_steps:
            arm.trials.append(run_trial(context, _trial(arm, settings[0], 0), final=True))
            return
        assert arm.bench is not None
        assert allowance is not None
        steps = full_steps(context, arm.method, arm.bench, settings[0]["batch"], allowance.flop)
        if arm.method.control:  # the control is never skipped
            steps = max(steps, FEWEST_STEPS)
        if steps < FEWEST_STEPS:
            short = f"the budget allows {steps} steps of training"
            _skip(context, arm, f"{short}, at least {FEWEST_STEPS} are needed")
            return
        fixed = {"precision": allowance.precision, "schedule": context.schedule}
        settings = [{**setting, **fixed} for setting in settings]
        winner = _search(context, arm, settings, steps)
    except UnwritableError:
        raise
    except Exception as error:  # whatever a method does, the study goes on without it
        trial = _trial(arm, {}, 0)
        record = failed(trial, trial.key(context.task, context.metric), error)
        log.debug("%s failed", arm.name, exc_info=True)
        context.progress.say(f"{arm.name}: failed: {record.error}")
        arm.trials.append(record)
        return
    if winner is None:
        return
    finals = [
        run_trial(context, _trial(arm, winner, seed), final=True) for seed in range(context.seeds)
    ]
    keys = {trial.key for trial in finals}  # a search run as long as a full one is the same trial
    arm.trials = [trial for trial in arm.trials if trial.key not in keys] + finals


def full_steps(context: Context, method: Method, bench: Workbench, batch: int, flop: float) -> int:
    """Return the steps of a full run that the arm's share pays for.

    The share pays the search (three rates at a third each) and one full run a seed.
    """
    rows = len(context.task.train)
    epoch = -(-rows // batch)
    unit = bench.flop_per_unit * bench.units("train") / rows
    step = method.flop_factor(bench) * unit * min(batch, rows)
    paid = int(flop / (1 + context.seeds) / step)
    return min(paid, max(MOST_EPOCHS * epoch, FEWEST_CAP))


def _search(
    context: Context, arm: Arm, settings: list[Hyperparameters], steps: int
) -> Hyperparameters | None:
    """Return the setting that was best on validation, for the full steps; None if all failed."""
    short = max(FEWEST_STEPS, round(SEARCH * steps))
    points: list[RatePoint] = []
    if steps >= RANGE_TEST_FROM:
        settings, points = _within_range(context, arm, settings, short)
    tried: list[tuple[tuple[float, float], Hyperparameters]] = []
    for index, setting in enumerate(settings):
        trial = _trial(arm, {**setting, "steps": short}, 0)
        shown = points if index == 0 else None
        record = run_trial(context, trial, final=False, rate_finder=shown)
        arm.trials.append(record)
        if record.status in ("done", "finalist"):  # a resumed study may know it as either
            tried.append((_trained_score(record), {**setting, "steps": steps}))
    if not tried:
        return None
    return max(tried, key=lambda pair: pair[0])[1]


def _trained_score(record: TrialRecord) -> tuple[float, float]:
    """Return the best and the last evaluation after training began.

    The start is left out: where it is the probe, it is the same for every rate and would hide
    what each of them does.
    """
    found = [p.validation for p in record.curve if p.step > 0 and p.validation is not None]
    return (max(found), found[-1]) if found else (-math.inf, -math.inf)


def _within_range(
    context: Context, arm: Arm, settings: list[Hyperparameters], short: int
) -> tuple[list[Hyperparameters], list[RatePoint]]:
    """Leave out rates at which a range test saw the loss blow up."""
    name = f"range-{arm.method.name}-{_trial(arm, {}, 0).key(context.task, context.metric)}"
    found = context.store.read_note(name)
    if found is None:
        middle = {**settings[len(settings) // 2], "steps": short}
        folder = context.store.trial_work(name)
        setting = Setting(
            context.task, arm.bench, middle, 0, context.metric, folder, context.progress
        )
        test = arm.method.range_test(setting)
        if test is None:
            return settings, []
        found = {"rates": test.rates, "losses": test.losses, "ceiling": test.ceiling}
        context.store.write_note(name, found)
    points = [
        RatePoint(learning_rate=rate, loss=round(loss, 6))
        for rate, loss in zip(found["rates"], found["losses"], strict=True)
    ]
    ceiling = found["ceiling"]
    kept = [s for s in settings if ceiling is None or s["rate"] <= ceiling]
    if not kept:
        kept = [{**settings[0], "rate": float(f"{ceiling / 3:.0e}")}]
    return kept, points


def _trial(arm: Arm, hyperparameters: Hyperparameters, seed: int) -> Trial:
    return Trial(arm.method, arm.bench, hyperparameters, seed)


def _skip(context: Context, arm: Arm, reason: str) -> None:
    context.progress.say(f"{arm.name}: skipped: {reason}")
    trial = _trial(arm, {}, 0)
    arm.trials.append(skipped(trial, trial.key(context.task, context.metric), reason))


def arm_predictions(context: Context, arm: Arm, part: str) -> list[Predictions]:
    """Return the finalists' predictions on a part, one set a seed."""
    return [context.store.predictions(trial.key, part) for trial in arm.finalists]


def arm_record(context: Context, arm: Arm) -> ArmRecord:
    """Return the arm as study.json has it: means over seeds, intervals over items and seeds."""
    task, trials = context.task, arm.finalists
    scores: dict[str, dict[str, ScoreRecord]] = {
        part: all_scores(
            task, task.parts[part], arm_predictions(context, arm, part), context.metric
        )
        for part in ("validation", "test")
    }
    return ArmRecord(
        name=arm.name,
        base=arm.bench.base if arm.bench else None,
        method=arm.method.name,
        keys=[trial.key for trial in trials],
        scores=scores,
        seconds=float(np.mean([trial.cost.seconds for trial in trials])),
        flop=float(np.mean([trial.cost.flop for trial in trials])),
        parameters=arm.bench.card.parameters if arm.bench else trials[0].cost.trainable_parameters,
        baseline=arm.method.control,
    )
