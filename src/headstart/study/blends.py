"""The free lever: adapted weights taken part of the way back, at the price of looking only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from headstart.files import replacing_folder
from headstart.method.adapted import Model, load_model
from headstart.method.keeping import take_back
from headstart.study.arm import Arm
from headstart.study.record import CostRecord, TrialRecord
from headstart.study.trial import Context, final_scores, remember
from headstart.train.workbench import Workbench

SHARE = "share"  # hyperparameter: of the way from the base that is kept


@contextmanager
def brought_back(context: Context, bench: Workbench, key: str, share: float) -> Iterator[Model]:
    """Give a trial's model with its weights brought back to so much of their way."""
    model = load_model(context.store.model(key))
    body = model.body
    assert body is not None
    if share < 1.0:
        take_back(body, bench.pristine, share)  # type: ignore[arg-type]
    yield model


def can_go_back(context: Context, record: TrialRecord) -> bool:
    """Tell whether a trial left a model whose weights lie on a way from the base's.

    Virtual tokens do not: without it the base is what it was.
    """
    return record.method not in ("prompt", "prefix") and context.store.model(record.key).is_dir()


def blend(context: Context, arm: Arm, parent: TrialRecord, share: float) -> TrialRecord:
    """Return the finished trial of a parent's model at so much of its way; it is kept on disk.

    Its cost is the parent's, whose training it needs, and that of looking at it.

    Args:
        context: The study.
        arm: To which the trial belongs.
        parent: A finalist.
        share: Of its way.
    """
    assert arm.bench is not None
    assert context.retention is not None
    trial = arm.trial({**parent.hyperparameters, SHARE: share}, parent.seed)
    key = trial.key(context.task, context.metric)
    known = context.store.read_trial(key)
    if known is not None and known.status == "finalist" and context.store.model(key).is_dir():
        return known
    started, cpu_started = time.monotonic(), time.process_time()
    with brought_back(context, arm.bench, parent.key, share) as model:
        predictions = {
            part: model.outputs(context.task.parts[part].inputs, context.progress)
            for part in ("validation", "test")
        }
        body = model.body
        assert body is not None
        retention = context.retention.measured(arm.bench, body)
        with replacing_folder(context.store.model(key)) as beside:
            model.save(beside)
    cost = parent.cost
    record = parent.model_copy(
        update={
            "key": key,
            "hyperparameters": trial.hyperparameters,
            "scores": final_scores(context, predictions),
            "retention": retention,
            "cost": CostRecord(
                seconds=cost.seconds + time.monotonic() - started,
                cpu_seconds=cost.cpu_seconds + time.process_time() - cpu_started,
                flop=cost.flop,
                peak_bytes=cost.peak_bytes,
                energy_joule=None,
                trainable_parameters=cost.trainable_parameters,
            ),
            "rate_finder": [],
        }
    )
    remember(context, record, predictions)
    return record
