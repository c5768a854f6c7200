"""Score against number of labels, for transfer and for the controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from headstart.errors import UnwritableError
from headstart.files import canonical, digest
from headstart.measure.interval import Interval, bootstrap
from headstart.measure.labels import crossing, labels_for_gain
from headstart.measure.power_law import LabelPoint
from headstart.method.model import Setting
from headstart.study.arm import Arm
from headstart.study.judge import judged_rows
from headstart.study.ladder import FEWEST_STEPS
from headstart.study.record import LearningCurvePoint
from headstart.study.scores import score_record
from headstart.study.trial import Context, log
from headstart.task.model import Objective, Part
from headstart.train.evaluate import Predictions

DRAWS = 3  # subsets of each size
FEWEST = 16  # labels at the left end


@dataclass(frozen=True)
class Curve:
    """One arm's learning curve."""

    arm: str
    points: list[LabelPoint]


def sizes(rows: int, classes: int, count: int) -> list[int]:
    """Return ``count`` numbers of labels or fewer, geometrically spaced, the last being all."""
    low = max(FEWEST, 2 * classes)
    if rows <= low:
        return [rows]
    found = np.geomspace(low, rows, count)
    return sorted({round(float(n)) for n in found})


def subset(part: Part, objective: Objective, size: int, seed: int) -> NDArray[np.int64]:
    """Return ``size`` rows drawn at random, one of each class first where classes are single."""
    generator = np.random.default_rng([seed, size])
    order = generator.permutation(len(part))
    if objective is not Objective.SINGLE_LABEL:
        return np.sort(order[:size])
    targets = np.asarray(part.targets, dtype=np.int64)
    _, first = np.unique(targets[order], return_index=True)
    chosen = order[np.sort(first)]
    rest = order[np.setdiff1d(np.arange(len(order)), first)]
    return np.sort(np.concatenate([chosen, rest])[:size])


def measure_curve(
    context: Context, arm: Arm, count: int, draws: int = DRAWS, below: float = 1.0, every: int = 1
) -> Curve:
    """Fit the arm's winning setting on subsets of the labels and score the test rows.

    The rates and strengths are those that won on all labels, and validation rows keep their
    labels at every size: the curve shows what training labels are worth, given those.

    Args:
        context: The study.
        arm: An arm that finished.
        count: Numbers of labels.
        draws: Subsets of each size.
        below: Leave out sizes above this share of all labels (a training that dear is not
            repeated); the full size is always there.
        every: Take only every so many of the sizes, so that they are still those of other arms.
    """
    rows = len(context.task.train)
    all_sizes = sizes(rows, len(context.task.classes), count)[:-1]
    wanted = [n for n in all_sizes if n <= below * rows][::every]
    points: list[LabelPoint] = []
    with context.progress.bar(f"learning curve of {arm.name}", len(wanted) * draws) as advance:
        for size in wanted:
            runs = []
            for seed in range(draws):
                runs.append(_subset_run(context, arm, size, seed))
                advance(1)
            good = [run for run in runs if run is not None]
            if good:
                points.append(LabelPoint(size, _scored(context, good)))
    full = _full_size(context, arm)
    if full:
        points.append(LabelPoint(rows, _scored(context, full)))
    return Curve(arm.name, points)


def curve_records(curves: Sequence[Curve]) -> list[LearningCurvePoint]:
    """Return the curves as study.json has them."""
    return [
        LearningCurvePoint(arm=curve.arm, labels=point.labels, score=score_record(point.score))
        for curve in curves
        for point in curve.points
    ]


def curve_sentences(curves: Sequence[Curve], transfer: str | None) -> list[str]:
    """Return where the transfer curve crosses the others, or that it does not."""
    first = next((curve for curve in curves if curve.arm == transfer), None)
    if first is None:
        return []
    sentences = []
    for other in curves:
        shared = {p.labels for p in first.points} & {p.labels for p in other.points}
        if other is not first and len(shared) > 1:
            found = crossing(first.points, other.points, (first.arm, other.arm))
            sentences.append(found.sentence)
    return sentences


def labels_sentence(curve: Curve, metric_is_share: bool) -> str | None:
    """Return about how many more labels gain a point, or None if the curve is too short."""
    if not metric_is_share or len(curve.points) < 3:
        return None
    return f"{labels_for_gain(curve.points).sentence} (Forecast from {curve.arm}.)"


def _full_size(context: Context, arm: Arm) -> list[Predictions]:
    """Return test predictions of the arm on all training labels, and on those only."""
    if arm.method.trains_steps:
        return [context.store.predictions(trial.key, "test") for trial in arm.finalists]
    found = _subset_run(context, arm, len(context.task.train), 0)
    return [] if found is None else [found]


def _scored(context: Context, runs: Sequence[Predictions]) -> Interval:
    task = context.task
    return bootstrap(task.objective, task.classes, task.test.targets, runs, context.metric)


def _subset_run(context: Context, arm: Arm, size: int, seed: int) -> Predictions | None:
    """Return test predictions of the arm fitted on one subset; kept on disk like a trial's."""
    key = f"curve-{digest(canonical([arm.finalists[0].key, size, seed]))[:16]}"
    known = context.store.try_predictions(key, "test")
    if known is not None:
        return known
    rows = subset(context.task.train, context.task.objective, size, seed)
    try:
        found = _fit_subset(context, arm, rows, seed, key)
    except UnwritableError:
        raise
    except Exception:
        log.debug("learning curve at %s labels failed", size, exc_info=True)
        return None
    context.store.write_predictions(key, {"test": found})
    return found


def _fit_subset(
    context: Context, arm: Arm, rows: NDArray[np.int64], seed: int, key: str
) -> Predictions:
    task = replace(context.task, train=context.task.train.take(rows))
    bench = arm.bench.on(task, rows) if arm.bench else None
    values = dict(arm.finalists[0].hyperparameters)
    if arm.method.trains_steps:  # the same number of epochs
        share = len(rows) / len(context.task.train)
        values["steps"] = max(FEWEST_STEPS, round(values["steps"] * share))
    folder = context.store.trial_work(key)
    judged = judged_rows(task, values)
    setting = Setting(task, bench, values, seed, context.metric, folder, refit=False, judged=judged)
    return arm.method.fit(setting).test()
