"""One arm: a method on a base, its trials, and those that count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from headstart.errors import UnwritableError
from headstart.method.model import METHODS, Hyperparameters, Method
from headstart.study.record import ArmRecord, ScoreRecord, TrialRecord
from headstart.study.scores import all_scores
from headstart.study.trial import Context, Trial, failed, log, run_trial, skipped
from headstart.train.evaluate import Predictions
from headstart.train.workbench import Workbench


@dataclass(eq=False)
class Arm:
    """A method on a base, and what came of it.

    Attributes:
        method: How.
        bench: On which base; None for methods without one.
        trials: Every trial, in order.
        alone: The study has this one base: its name goes without saying.
        story: What was done with it and why no more, a sentence each.
        cut_short: The budget ended its training, nothing else.
        variant: What sets it apart from the plain method, as the end of its name.
    """

    method: Method
    bench: Workbench | None
    trials: list[TrialRecord] = field(default_factory=list)
    alone: bool = False
    story: list[str] = field(default_factory=list)
    cut_short: bool = False
    variant: str = ""

    @property
    def name(self) -> str:
        """Short name for tables and figures."""
        named = self.bench is not None and not self.alone
        method = self.method.name + self.variant
        return arm_name(method, self.bench.base if self.bench and named else None)

    @property
    def epochs(self) -> float | None:
        """Times that the longest finalist saw the training rows; None if it trains no steps."""
        seen = [trial.curve[-1].epoch for trial in self.finalists if trial.curve]
        return max(seen) if seen else None

    @property
    def finalists(self) -> list[TrialRecord]:
        """The trials that count: the winner, once a seed."""
        return [trial for trial in self.trials if trial.status == "finalist"]

    def trial(self, hyperparameters: Hyperparameters, seed: int = 0) -> Trial:
        """Return a trial of this arm."""
        return Trial(self.method, self.bench, hyperparameters, seed)

    def keep(self, record: TrialRecord) -> None:
        """Put a trial's record in the place of an earlier one of the same key, or at the end."""
        known = [trial.key for trial in self.trials]
        if record.key in known:
            self.trials[known.index(record.key)] = record
        else:
            self.trials.append(record)


def arms_of(methods: Sequence[str], benches: Sequence[Workbench]) -> list[Arm]:
    """Return an arm for each method on each base, or one where a method needs none."""
    return [
        Arm(method, bench, alone=len(benches) == 1)
        for method in (METHODS.get(name)() for name in methods)
        for bench in (benches if method.needs_base else [None])
    ]


def arm_name(method: str, base: str | None) -> str:
    """Return e.g. "probe · minilm-l6", or the method alone where there is no base."""
    if base is None:
        return method
    prefix, _, name = base.partition(":")
    short = name.rstrip("/").rsplit("/", 1)[-1] if prefix == "local" else name
    return f"{method} · {short}"


def fit_at_once(context: Context, arm: Arm) -> None:
    """Run an arm that trains no steps: its own fit chooses what there is to choose."""

    def fit() -> None:
        settings = arm.method.search(context.task, arm.bench, context.metric)
        arm.keep(run_trial(context, arm.trial(settings[0]), final=True))

    if not refused(context, arm):
        context.progress.say(f"{arm.name}: {arm.method.summary}")
        guarded(context, arm, fit)


def guarded(context: Context, arm: Arm, work: Callable[[], None]) -> None:
    """Do ``work`` for an arm; whatever a method does, the study goes on without it."""
    try:
        work()
    except UnwritableError:
        raise  # the study has nowhere to go on
    except Exception as error:
        trial = arm.trial({})
        record = failed(trial, trial.key(context.task, context.metric), error)
        log.debug("%s failed", arm.name, exc_info=True)
        context.progress.say(f"{arm.name}: failed: {record.error}")
        arm.keep(record)


def refused(context: Context, arm: Arm) -> bool:
    """Tell whether the method cannot run on these data; if so, say and record why."""
    reason = arm.method.refuse(context.task, arm.bench.card if arm.bench else None)
    if reason is not None:
        skip(context, arm, reason)
    return reason is not None


def skip(context: Context, arm: Arm, reason: str) -> None:
    """Record that an arm was not run, and why."""
    context.progress.say(f"{arm.name}: skipped: {reason}")
    trial = arm.trial({})
    arm.keep(skipped(trial, trial.key(context.task, context.metric), reason))


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
        story=arm.story,
    )
