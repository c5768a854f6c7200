"""Runs a study from request to folder: audit, arms, decision, model, report data."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from headstart.errors import HeadstartError
from headstart.files import replacing_folder, write_text
from headstart.method.adapted import Model, load_model
from headstart.method.model import Setting
from headstart.method.samples import record_samples
from headstart.progress import Progress
from headstart.study.answers import answers_of
from headstart.study.arm import Arm, arms_of, fit_at_once, skip
from headstart.study.assemble import study_record
from headstart.study.audit import audited
from headstart.study.bill import Bill
from headstart.study.curve import Curve, measure_curve
from headstart.study.decide import Verdict, best_key, decide
from headstart.study.evidence import Reused, price_records
from headstart.study.forecast import Forecast
from headstart.study.hindsight import hindsight
from headstart.study.inspect import inspect
from headstart.study.keeper import Keeper
from headstart.study.learnt import Learnt
from headstart.study.log import Logged
from headstart.study.memory import Memory
from headstart.study.purse import purse_of
from headstart.study.race import Race
from headstart.study.record import StudyRecord, SweepPoint, TrialRecord
from headstart.study.remembrance import AS_IT_WAS
from headstart.study.request import ALL, Request, check_against, with_defaults
from headstart.study.retained import retention_of
from headstart.study.shortlist import Shortlist, shortlisted
from headstart.study.store import opened
from headstart.study.trial import Context
from headstart.study.words import duration, plural
from headstart.task.model import Task
from headstart.train.benches import workbench
from headstart.train.cache import FeatureCache
from headstart.train.workbench import Workbench

CURVE_SIZES = 6
QUICK_SIZES = 5
KEEPING = 0.4  # of a budget under a limit on what is forgotten, for levers that cost a run
SWEEP = "sweep"


def run_study(request: Request, task: Task, progress: Progress) -> StudyRecord:
    """Run, or go on with, the study that was asked for; leave it in ``request.out``.

    Raises:
        RequestError: The request does not fit the data or the folder.
        WorkError: Nothing could be fitted.
    """
    named = ALL not in request.bases
    request = with_defaults(request, task)
    metric = check_against(request, task)
    with opened(request.out, request.settles(task), request.resume) as store:
        done = store.finished()
        if done is not None:  # resumed after its end
            store.tidy()
            return done
        logged = Logged(progress, store.folder / "log.txt")
        for line in task.detected:
            logged.say(line)
        retention = retention_of(request.retain, request.forget_at_most, task, logged)
        chosen = shortlisted(task, request.bases, logged, named=named)
        cache = FeatureCache()
        benches = [workbench(task, base, cache, store.work, logged) for base in request.bases]
        bill = Bill()
        forecast = Forecast(bill, Learnt())
        kept = [bench for bench in benches if bench.base in chosen.kept]
        for bench in kept:
            with forecast.watch_features(bench):
                bench.every_feature()
        task = audited(task, kept[0])
        for warning in task.warnings:
            logged.say(f"note: {warning.message}")
        for bench in benches:
            bench.task = task
        with closing(Memory.opened(request.ledger, task, metric, logged)) as memory:
            context = Context(
                task, metric, request.seeds, store, logged, request.schedule, memory, bill,
                retention,
            )  # fmt: skip
            record = _studied(context, request, benches, chosen, forecast)
        write_text(store.folder / "study.json", record.model_dump_json(indent=1) + "\n")
        store.tidy()
    return record


def _studied(
    context: Context,
    request: Request,
    benches: list[Workbench],
    chosen: Shortlist,
    forecast: Forecast,
) -> StudyRecord:
    """Run the arms, decide, deliver; leave everything but ``study.json``, which says it is done."""
    arms, race = _run_arms(context, request, benches, chosen, forecast)
    verdict = decide(context, arms)
    curves = _curves(context, request, arms, verdict, forecast)
    record = study_record(context, request, arms, verdict, curves)
    _deliver(context, verdict)
    predictions = context.store.predictions(best_key(context, verdict.delivered), "test")
    evidence = inspect(context.task, predictions)
    evidence.answers = answers_of(context, verdict)
    evidence.prices = price_records(context.bill)
    evidence.sweep = [SweepPoint(**one) for one in context.store.read_note(SWEEP) or []]
    if request.audit:
        evidence.hindsight = hindsight(context, race, chosen, benches, verdict)
        context.progress.say(f"audit: {evidence.hindsight.sentence}")
    if context.memory is not None:
        evidence.reused = _reused(context.memory)
        context.memory.keep_study(record)
    if evidence.reused is not None:
        context.progress.say(f"ledger: {evidence.reused.sentence}")
    beside = context.store.folder / "evidence.json"
    write_text(beside, evidence.model_dump_json(indent=1) + "\n")
    return record


def _reused(memory: Memory) -> Reused | None:
    """Return what the ledger saved, or None if it knew nothing."""
    known = {trial.key: trial for trial in memory.reused}.values()
    if not known:
        return None
    seconds = sum(trial.cost.seconds for trial in known)
    count = plural(len(known), "trial")
    return Reused(
        trials=len(known),
        seconds=seconds,
        flop=sum(trial.cost.flop for trial in known),
        sentence=f"{count} had been paid for before, which saved {duration(seconds)}",
    )


def _run_arms(
    context: Context,
    request: Request,
    benches: list[Workbench],
    chosen: Shortlist,
    forecast: Forecast,
) -> tuple[list[Arm], Race | None]:
    arms, left = arms_of(request.methods, benches), []
    for arm in arms:
        reason = chosen.dropped.get(arm.bench.base) if arm.bench else None
        if reason is None:
            left.append(arm)
        else:
            skip(context, arm, reason)
    trained = [arm for arm in left if arm.method.trains_steps]
    at_once = [arm for arm in left if not arm.method.trains_steps]
    race, limited = None, False
    with context.progress.bar("study", len(left)) as advance:
        for arm in at_once:
            with forecast.watch_fit(context.task, arm):
                fit_at_once(context, arm)
            advance(1)
        if trained:
            purse = purse_of(request.budget, context)
            limited = request.forget_at_most is not None
            held = KEEPING * purse.total if limited else 0.0
            purse.pay(held)
            race = Race(context, purse, at_once, trained)
            race.run()
            purse.pay(-held)
        advance(len(trained))
    if limited and race is not None:
        keeper = Keeper(context, race.purse, trained, _start(at_once))
        arms += keeper.run()
        context.store.write_note(SWEEP, [point.model_dump() for point in keeper.points])
    return arms, race


def _start(controls: Sequence[Arm]) -> TrialRecord | None:
    """Return the finalist from which gains are counted, of what leaves the base as it is."""
    found = [arm.finalists[0] for arm in controls if arm.finalists]
    return next((one for name in AS_IT_WAS for one in found if one.method == name), None)


def _curves(
    context: Context, request: Request, arms: list[Arm], verdict: Verdict, forecast: Forecast
) -> list[Curve]:
    """Measure learning curves: of the cheap arms always coarsely, of all that matter if asked."""
    finished = [arm for arm in arms if arm.finalists]
    probes = [arm for arm in finished if arm.method.name == "probe"][:1]
    if not request.learning_curve:
        found = []
        for arm in probes:
            with forecast.watch_curve(context.task, arm):
                found.append(measure_curve(context, arm, QUICK_SIZES))
        return found
    cheap = [*probes, *(arm for arm in finished if arm.method.name == "tfidf")]
    dear = [arm for arm in finished if arm.method.name == "scratch"][:1]
    if verdict.delivered.arm.method.trains_steps and verdict.delivered.arm not in dear:
        dear.append(verdict.delivered.arm)
    curves = [measure_curve(context, arm, CURVE_SIZES) for arm in cheap]
    return curves + [measure_curve(context, arm, CURVE_SIZES, 2, 0.3, every=2) for arm in dear]


def _deliver(context: Context, verdict: Verdict) -> None:
    """Put the chosen model in ``best/``."""
    standing = verdict.delivered
    key = best_key(context, standing)
    kept = context.store.model(key)
    with replacing_folder(context.store.folder / "best") as beside:
        if kept.is_dir():
            shutil.copytree(kept, beside, dirs_exist_ok=True)
        else:
            _refit(context, standing.arm, key).save(beside)
        record_delivered(beside, context.progress)


def record_delivered(folder: Path, progress: Progress) -> None:
    """Record what a delivered model says of samples; if it cannot be, warn: the model is there."""
    try:
        record_samples(load_model(folder), folder)
    except Exception as error:  # whatever it is, what was trained is worth more
        what = error.what if isinstance(error, HeadstartError) else str(error)
        progress.say(f"warning: {what}; a gate that requires samples will refuse the model")


def _refit(context: Context, arm: Arm, key: str) -> Model:
    """Fit a cheap method again: quicker than keeping every model on disk."""
    trial = next(t for t in arm.finalists if t.key == key)
    # What a head's fit itself chose is among its trial's hyperparameters, and would narrow the fit.
    settings = (
        trial.hyperparameters
        if arm.method.trains_steps
        else arm.method.search(context.task, arm.bench, context.metric)[0]
    )
    folder = context.store.trial_work(key)
    setting = Setting(context.task, arm.bench, settings, trial.seed, context.metric, folder)
    return arm.method.fit(setting).model


def load_delivered(folder: Path) -> Model:
    """Return the model a study delivered, from the study's folder or its ``best/``."""
    inner = folder / "best"
    return load_model(inner if inner.is_dir() else folder)
