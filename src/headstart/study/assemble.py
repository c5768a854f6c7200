"""study.json, put together from what a study found."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from headstart.study.advice import advise
from headstart.study.arm import Arm
from headstart.study.curve import Curve, curve_records, curve_sentences
from headstart.study.decide import Verdict
from headstart.study.record import StudyRecord, TaskRecord, TrialRecord, WarningRecord
from headstart.study.request import Request
from headstart.study.trial import Context
from headstart.study.verdict import decision_record
from headstart.task.model import Task

PACKAGES = (
    "headstart", "torch", "transformers", "peft", "timm", "torchvision", "scikit-learn", "numpy",
)  # fmt: skip


def study_record(
    context: Context,
    request: Request,
    arms: list[Arm],
    verdict: Verdict,
    curves: list[Curve],
) -> StudyRecord:
    """Return the whole of ``study.json``."""
    advice = advise(context, verdict, arms, curves)
    decision = decision_record(context, verdict, advice)
    if request.learning_curve:
        transfer = next((c.arm for c in curves if c.arm.startswith("probe")), None)
        decision.reasons += curve_sentences(curves, transfer)
        decision.why = " ".join(decision.reasons)
    return StudyRecord(
        task=_task_record(context),
        budget=request.budget.record(),
        baselines=_trials(arms, control=True),
        trials=_trials(arms, control=False),
        arms=[standing.record for standing in verdict.standings],
        comparisons=verdict.comparisons,
        learning_curve=curve_records(curves),
        decision=decision,
        reproduce=_reproduce(request, context.task, arms),
    )


def _trials(arms: list[Arm], *, control: bool) -> list[TrialRecord]:
    return [t for arm in arms if arm.method.control is control for t in arm.trials]


def _task_record(context: Context) -> TaskRecord:
    task = context.task
    return TaskRecord(
        name=task.name,
        kind=task.kind.value,
        objective=task.objective.value,
        modality=task.modality.value,
        input=list(task.input),
        target=task.target,
        classes=list(task.classes),
        rows={name: len(part) for name, part in task.parts.items()},
        split=task.split,
        fingerprint=task.fingerprint,
        metric=context.metric,
        detected=list(task.detected),
        warnings=[
            WarningRecord(**{**asdict(w), "examples": list(w.examples)}) for w in task.warnings
        ],
    )


def _reproduce(request: Request, task: Task, arms: list[Arm]) -> dict[str, Any]:
    """Return what it takes to run the study again."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    cards = [arm.bench.card for arm in arms if arm.bench is not None]
    device = next((str(a.bench.pristine.device()) for a in arms if a.bench is not None), "cpu")
    return {
        "command": request.command,
        "settings": request.settles(task),
        "bases": {card.reference: card.revision for card in cards},
        "licences": {card.reference: card.licence for card in cards},
        "versions": versions,
        "machine": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "device": device,
        },
    }
