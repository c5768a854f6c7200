"""One trial: its key, its fit, its record on disk before the next begins."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from headstart.base.skeleton import Skeleton
from headstart.errors import HeadstartError, UnwritableError
from headstart.files import canonical, digest, replacing_folder
from headstart.measure.cost import Meter
from headstart.method.adapted import Model, load_model
from headstart.method.model import Fitted, Hyperparameters, Method, Setting
from headstart.progress import Progress
from headstart.study.bill import Bill
from headstart.study.judge import Rows, cut, judged_rows, others, whole
from headstart.study.memory import Memory
from headstart.study.record import (
    CostRecord,
    CurvePoint,
    RatePoint,
    RetentionRecord,
    ScoreRecord,
    TrialRecord,
)
from headstart.study.retained import Retention
from headstart.study.scores import all_scores
from headstart.study.store import Store
from headstart.task.model import Task
from headstart.train.allocator import giving_back
from headstart.train.evaluate import Predictions
from headstart.train.recipe import Point
from headstart.train.workbench import Workbench

FORMAT = 6  # raised whenever the same key would no longer mean the same numbers
NO_COST = CostRecord(
    seconds=0.0, cpu_seconds=0.0, flop=0.0, peak_bytes=0, energy_joule=None, trainable_parameters=0
)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Context:
    """What all trials of a study share.

    Attributes:
        task: What to learn.
        metric: Validation score by which choices are made.
        seeds: Repeats of a winner.
        store: Where results go.
        progress: Who watches.
        schedule: How the rate falls after its warm-up.
        memory: What the ledger knows of its trials; None without a ledger.
        bill: What its steps were predicted to take, and took.
        retention: What is measured of the bases before and after; None for nothing.
    """

    task: Task
    metric: str
    seeds: int
    store: Store
    progress: Progress
    schedule: str = "cosine"
    memory: Memory | None = None
    bill: Bill = field(default_factory=Bill)
    retention: Retention | None = None


@dataclass(frozen=True)
class Trial:
    """What is tried.

    Attributes:
        method: How.
        bench: On which base; None for methods without one.
        hyperparameters: Settings.
        seed: Of everything random.
    """

    method: Method
    bench: Workbench | None
    hyperparameters: Hyperparameters
    seed: int

    def key(self, task: Task, metric: str) -> str:
        """Return the hash of exactly what settles the numbers."""
        settles = {
            "format": FORMAT,
            "task": task.fingerprint,
            "metric": metric,
            "base": self.bench.card.revision if self.bench else None,
            "preprocessing": self.bench.pristine.preprocessing() if self.bench else None,
            "method": self.method.name,
            "hyperparameters": self.hyperparameters,
            "seed": self.seed,
        }
        return digest(canonical(settles))[:16]


def run_trial(
    context: Context, trial: Trial, *, final: bool, rate_finder: list[RatePoint] | None = None
) -> TrialRecord:
    """Fit a trial unless disk or ledger know it; a failure is recorded, not raised.

    A failure on disk is tried again, since its cause may be mended. A search run that is wanted
    as a finalist reads the test rows with the model it left; without one it is fitted again.

    Args:
        context: The study.
        trial: What to fit.
        final: Whether it reads the test rows.
        rate_finder: A range test to show with it.
    """
    key = trial.key(context.task, context.metric)
    known = _known(context, trial, key, final=final)
    if known is not None:
        return known
    folder = context.store.trial_work(key)
    with giving_back():
        record, predictions = _fitted(context, trial, key, final=final)
    if record.status != "failed":
        record.rate_finder = rate_finder or []
    remember(context, record, predictions)
    shutil.rmtree(folder, ignore_errors=True)
    return record


def _fitted(
    context: Context, trial: Trial, key: str, *, final: bool
) -> tuple[TrialRecord, dict[str, Predictions]]:
    """Return the record of a fit and what it predicts, by part; of a failure, nothing."""
    judged = None if final else judged_rows(context.task, trial.hyperparameters)
    setting = Setting(
        context.task, trial.bench, trial.hyperparameters, trial.seed, context.metric,
        context.store.trial_work(key), context.progress, judged=judged,
        retained=context.retention.recalled if context.retention is not None else None,
    )  # fmt: skip
    try:
        with Meter() as meter:
            fitted = trial.method.fit(setting)
        predictions = {"validation": fitted.validation}
        if final:
            predictions["test"] = fitted.test()
        keep_model(context.store, trial, key, fitted)
        record = _record(context, trial, key, fitted, predictions, meter.energy_joule)
        if final:
            record.retention = _retention(context, trial, fitted.model)
        return record, predictions
    except UnwritableError:
        raise  # the study has nowhere to go on
    except Exception as error:
        record = failed(trial, key, error)
        log.debug("trial %s failed", key, exc_info=True)
        context.progress.say(f"{trial.method.name}: failed: {record.error}")
        return record, {}


def is_known(context: Context, trial: Trial, *, final: bool) -> bool:
    """Tell whether disk or ledger hold a trial, so that it takes no time."""
    key = trial.key(context.task, context.metric)
    found = context.store.read_trial(key)
    if found is not None and found.status in (("finalist",) if final else ("done", "finalist")):
        return True
    return context.memory is not None and context.memory.has(key, final=final)


def _known(context: Context, trial: Trial, key: str, *, final: bool) -> TrialRecord | None:
    """Return a trial that disk or ledger know, in the form that is wanted, or None."""
    known = context.store.read_trial(key)
    if known is not None and known.status == "finalist":
        if final:
            return known
        return _as_search(context, known, context.store.predictions(key, "validation"))[0]
    if known is not None and known.status == "done":
        if not final:
            return known
        made = _made_final(context, trial, known) if context.store.model(key).is_dir() else None
        if made is not None:
            return made
    recalled = context.memory.recall(key, final=final) if context.memory else None
    if recalled is None or (final and _unseen(context, trial, recalled[0])):
        return None
    record, predictions = recalled
    if final and not trial.method.trains_steps:  # known to be nothing, of whatever is retained
        record.retention = _retention(context, trial, None)
    if not final:
        record, predictions = _as_search(context, record, predictions["validation"])
    context.store.write_trial(record, predictions)
    return record


def _as_search(
    context: Context, record: TrialRecord, validation: Predictions
) -> tuple[TrialRecord, dict[str, Predictions]]:
    """Return a trial as the search run that it was: judged on its rows, test rows unread."""
    rows = judged_rows(context.task, record.hyperparameters)
    predictions = {"validation": cut(validation, rows, rows)}
    scores = final_scores(context, predictions, rows)
    return record.model_copy(update={"status": "done", "scores": scores}), predictions


def remember(context: Context, record: TrialRecord, predictions: dict[str, Predictions]) -> None:
    """Keep a trial in the study's folder, and in the ledger if there is one."""
    context.store.write_trial(record, predictions)
    if context.memory is not None:
        context.memory.keep(record, predictions)


def _made_final(context: Context, trial: Trial, record: TrialRecord) -> TrialRecord | None:
    """Let the model of a search run predict the test rows; None if it cannot be used."""
    task = context.task
    try:
        model = load_model(context.store.model(record.key))
        predictions = {
            "validation": _completed(context, record, model),
            "test": model.outputs(task.parts["test"].inputs, context.progress),
        }
    except Exception:  # damaged: the trial is fitted again
        log.debug("the model of trial %s cannot be used", record.key, exc_info=True)
        return None
    record.status = "finalist"
    record.scores = final_scores(context, predictions)
    record.retention = _retention(context, trial, model)
    remember(context, record, predictions)
    return record


def _completed(context: Context, record: TrialRecord, model: Model) -> Predictions:
    """Return a search run's predictions on all validation rows: its model reads the others."""
    part = context.task.validation
    rows = judged_rows(context.task, record.hyperparameters)
    rows = np.arange(len(part)) if rows is None else rows
    seen = context.store.try_predictions(record.key, "validation")
    if seen is None or len(seen) != len(rows):  # damaged
        return model.outputs(part.inputs, context.progress)
    if len(rows) == len(part):
        return seen
    left = part.take(others(rows, len(part)).tolist())
    return whole(seen, rows, model.outputs(left.inputs, context.progress))


def _retention(context: Context, trial: Trial, model: Model | None) -> list[RetentionRecord]:
    """Return what a model forgot: of a head on the base's own weights, that it is nothing.

    The model of such a head is not looked at, and may be None.
    """
    if context.retention is None or trial.bench is None or trial.method.control:
        return []
    if not trial.method.trains_steps:
        return context.retention.measured(trial.bench, cast(Skeleton, trial.bench.pristine))
    body = None if model is None else model.body
    return [] if body is None else context.retention.measured(trial.bench, body)


def _unseen(context: Context, trial: Trial, record: TrialRecord) -> bool:
    """Tell whether a finalist that only the ledger knows must be fitted again for its model.

    That is so where what it forgot was not measured, or where its weights are to be brought back.
    """
    wanted = context.retention
    if wanted is None or not trial.method.trains_steps or trial.method.control:
        return False
    return wanted.limit is not None or not wanted.covers(record)


def keep_model(store: Store, trial: Trial, key: str, fitted: Fitted) -> None:
    """Save the model of a method that is too dear to be fitted again."""
    if trial.method.trains_steps:
        with replacing_folder(store.model(key)) as beside:
            fitted.model.save(beside)


def failed(trial: Trial, key: str, error: BaseException) -> TrialRecord:
    """Return the record of a trial that failed."""
    said = error.what if isinstance(error, HeadstartError) else f"{type(error).__name__}: {error}"
    return _shell(trial, key, status="failed", error=said.strip() or type(error).__name__)


def skipped(trial: Trial, key: str, reason: str) -> TrialRecord:
    """Return the record of a trial that was not run."""
    return _shell(trial, key, status="skipped", error=reason)


def _shell(trial: Trial, key: str, **more: Any) -> TrialRecord:
    return TrialRecord(
        key=key,
        base=trial.bench.base if trial.bench else None,
        base_revision=trial.bench.card.revision if trial.bench else None,
        method=trial.method.name,
        hyperparameters=trial.hyperparameters,
        seed=trial.seed,
        scores={},
        cost=NO_COST,
        **more,
    )


def _record(
    context: Context,
    trial: Trial,
    key: str,
    fitted: Fitted,
    predictions: dict[str, Predictions],
    energy: float | None,
) -> TrialRecord:
    final = "test" in predictions
    record = _shell(trial, key, status="finalist" if final else "done")
    record.hyperparameters = {**trial.hyperparameters, **fitted.chosen}
    judged = None if final else judged_rows(context.task, trial.hyperparameters)
    record.scores = final_scores(context, predictions, judged)
    record.cost = CostRecord(
        seconds=fitted.seconds,
        cpu_seconds=fitted.cpu_seconds,
        flop=float(fitted.flop),
        peak_bytes=fitted.peak_bytes,
        energy_joule=energy,
        trainable_parameters=fitted.trainable_parameters,
    )
    record.curve = [_point(point) for point in fitted.points]
    record.notes = fitted.notes
    return record


def final_scores(
    context: Context, predictions: dict[str, Predictions], judged: Rows | None = None
) -> dict[str, dict[str, ScoreRecord]]:
    """Return all metrics of predictions by part; validation's are of the judged rows, if any."""
    task = context.task
    parts = dict(task.parts)
    if judged is not None:
        parts["validation"] = task.validation.take(judged)
    return {
        part: all_scores(task, parts[part], [found], context.metric)
        for part, found in predictions.items()
    }


def _point(point: Point) -> CurvePoint:
    return CurvePoint(
        step=point.step,
        epoch=round(point.epoch, 3),
        learning_rate=point.learning_rate,
        loss=None if point.loss is None else round(point.loss, 6),
        validation=None if point.validation is None else round(point.validation, 6),
    )
