"""Records the grid: every base x method x rate x length x seed of every task; hours.

    python -m bench.grid.record WORK [TASK ...]

What was done lies in the folder WORK; a run that was stopped goes on where it was. Between trials
others may compute: each trial holds the lock ``$GRID_LOCK``, if that is set.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.grid.table import PARTS, Entry, Table
from bench.grid.tasks import TASKS, task
from headstart.ledger.distance import summary
from headstart.method.model import METHODS
from headstart.progress import Silent
from headstart.rank.combine import Ranking
from headstart.study.arm import Arm, arms_of
from headstart.study.ladder import Ladder
from headstart.study.ranking import rank_bases
from headstart.study.record import TrialRecord
from headstart.study.shortlist import MOST
from headstart.study.store import Store
from headstart.study.trial import Context, run_trial
from headstart.train.cache import FeatureCache
from headstart.train.precision import training_dtype
from headstart.train.workbench import Workbench

TRAINED = ("bundled:minilm-l6",)
FROZEN = ("bundled:smollm2-135m",)  # a feature extractor: 42 times the operations a token
SEEDS = 2


def record(name: str, work: Path) -> None:
    """Run what is missing of a task's grid, and write its table."""
    found, progress = task(name), Silent()
    folder = work / name
    store = Store(folder)
    store.trials.mkdir(parents=True, exist_ok=True)
    context = Context(found, "accuracy", SEEDS, store, progress)
    cache = FeatureCache()
    benches = [Workbench(found, base, cache, folder, progress) for base in (*TRAINED, *FROZEN)]
    with _locked():
        for bench in benches:
            bench.every_feature()
        ranked = rank_bases(found, [bench.base for bench in benches], progress)
    arms = [
        arm
        for arm in arms_of(list(METHODS), benches)
        if arm.bench is None or arm.bench.base in TRAINED or not arm.method.trains_steps
    ]
    arms = [
        arm
        for arm in arms
        if arm.method.refuse(found, arm.bench.card if arm.bench else None) is None
    ]
    done = [(arm, trial) for arm in arms for trial in _trials(context, arm)]
    Table(
        name=name,
        classes=len(found.classes),
        rows={part: len(rows) for part, rows in found.parts.items()},
        units={b.base: {part: b.units(part) for part in found.parts} for b in benches},
        flop_per_unit={bench.base: bench.flop_per_unit for bench in benches},
        factors={arm.method.name: arm.method.flop_factor(arm.bench) for arm in arms if arm.bench},
        summaries={
            b.base: [float(x) for x in summary(b.features("train").values, found.train.targets)]
            for b in benches
        },
        ranking=by_score(ranked.ranking),
        kept=[one.base for one in ranked.ranking.bases if one.tie_with_first][:MOST],
        entries=[_entry(arm, trial) for arm, trial in done],
        targets={part: np.asarray(found.parts[part].targets) for part in PARTS},
        predicted={
            part: np.array([store.predictions(t.key, part).argmax(axis=1) for _, t in done])
            for part in PARTS
        },
    ).write()


def _trials(context: Context, arm: Arm) -> Iterator[TrialRecord]:
    """Yield the finalists of an arm's grid, run or known."""
    if not arm.method.trains_steps:
        settings = arm.method.search(context.task, arm.bench, context.metric)
        yield _run(context, arm, settings[0], 0)
        return
    for values in arm.method.search(context.task, arm.bench, context.metric):
        ladder = Ladder(len(context.task.train))
        for steps in ladder.rungs:
            for seed in range(SEEDS if steps == ladder.cap else 1):
                full = {**values, "precision": precision(), "schedule": "cosine", "steps": steps}
                yield _run(context, arm, full, seed)


def by_score(ranking: Ranking) -> dict[str, dict[str, float]]:
    """Return what each score, and all of them combined, say of each base."""
    found: dict[str, dict[str, float]] = {"combined": {}}
    for one in ranking.bases:
        found["combined"][one.base] = one.combined
        for score, value in one.scores.items():
            found.setdefault(score, {})[one.base] = value
    return found


def precision() -> str:
    """Return the precision in which this machine trains, as a hyperparameter."""
    return str(training_dtype()).removeprefix("torch.")


def _run(context: Context, arm: Arm, values: dict[str, Any], seed: int) -> TrialRecord:
    trial = arm.trial(values, seed)
    known = context.store.read_trial(trial.key(context.task, context.metric))
    if known is not None and known.status == "finalist":
        return known
    with _locked():
        found = run_trial(context, trial, final=True)
    context.store.drop_model(found.key)
    print(context.task.name, arm.name, values.get("rate"), values.get("steps"), seed, flush=True)
    if found.status != "finalist":
        raise SystemExit(f"{arm.name} failed: {found.error}")
    return found


def _entry(arm: Arm, trial: TrialRecord) -> Entry:
    values = trial.hyperparameters
    return Entry(
        method=arm.method.name,
        base=arm.bench.base if arm.bench else None,
        rate=values.get("rate"),
        steps=values.get("steps"),
        seed=trial.seed,
        validation=trial.scores["validation"]["accuracy"].value,
        test=trial.scores["test"]["accuracy"].value,
        flop=trial.cost.flop,
        seconds=round(trial.cost.seconds, 3),
        curve=[(p.step, p.validation) for p in trial.curve if p.validation is not None],
    )


@contextmanager
def _locked() -> Iterator[None]:
    place = os.environ.get("GRID_LOCK")
    if place is None:
        yield
        return
    with Path(place).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    time.sleep(0.5)  # whoever waited has it now


if __name__ == "__main__":
    for chosen in sys.argv[2:] or TASKS:
        record(chosen, Path(sys.argv[1]))
