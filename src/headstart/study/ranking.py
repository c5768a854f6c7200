"""Orders bases for a task in seconds, from frozen features of a subsample."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.errors import RequestError
from headstart.method.heads import flat, solved_objective
from headstart.progress import Progress
from headstart.rank.assess import Assessment, assess
from headstart.rank.combine import Ranking, combine
from headstart.rank.score import Evidence
from headstart.rank.subsample import subsample
from headstart.study.request import check_bases
from headstart.task.model import Objective, Task
from headstart.train.benches import workbench
from headstart.train.cache import FeatureCache
from headstart.train.workbench import Workbench


@dataclass(frozen=True)
class RankedBases:
    """An order of bases for a task, and what it took.

    Attributes:
        ranking: The order, scores and their agreement.
        rows: Training rows that were looked at.
        refused: Why a score says nothing here, by its name.
        seconds: By base: features, as they once took to compute, and scores.
        flop: By base: operations of the features.
    """

    ranking: Ranking
    rows: int
    refused: dict[str, str]
    seconds: dict[str, float]
    flop: dict[str, float]


def rank_bases(task: Task, bases: Sequence[str], progress: Progress) -> RankedBases:
    """Order ``bases`` for the task; all are shown the same training rows.

    Raises:
        RequestError: No bases, or one that reads something else.
    """
    names = tuple(dict.fromkeys(bases))
    check_bases(names, task)
    if not names:
        raise RequestError(
            f"no bases for {task.modality.value} are at hand", mend="name some with --base"
        )
    rows = subsample(task.train, task.objective)
    few = replace(task, train=task.train.take(rows))
    assessments: dict[str, Assessment] = {}
    seconds: dict[str, float] = {}
    flop: dict[str, float] = {}
    for name in names:
        assessments[name], seconds[name], flop[name] = _assessed(few, name, progress)
    return RankedBases(
        combine(assessments),
        len(rows),
        {score: why for found in assessments.values() for score, why in found.refused.items()},
        seconds,
        flop,
    )


def _assessed(task: Task, base: str, progress: Progress) -> tuple[Assessment, float, float]:
    """Return a base's scores, and the seconds and operations they took."""
    with TemporaryDirectory() as folder:
        bench = workbench(task, base, FeatureCache(), Path(folder), progress)
        found = bench.features("train")
    began = time.monotonic()
    features, targets = flat(found.values, task.train.targets)
    evidence = Evidence(
        np.asarray(features, dtype=np.float32),
        targets,
        solved_objective(task.objective),
        len(task.classes),
        source_probabilities=_source_probabilities(bench, features),
        ids=_ids(task, found.values),
    )
    scores = assess(evidence)
    return scores, found.seconds + time.monotonic() - began, found.flop


def _source_probabilities(bench: Workbench, features: object) -> NDArray[np.float32] | None:
    """Return (N, Z) of the base's own classes, where it came with a head for such features."""
    head, values = bench.pristine.source_head, np.asarray(features, dtype=np.float32)
    if head is None or bench.pair or bench.task.objective is Objective.TAGS:
        return None
    weight, bias = (part.cpu() for part in head)
    logits = torch.addmm(bias, torch.from_numpy(values), weight.T)
    return np.asarray(logits.softmax(dim=1).numpy())


def _ids(task: Task, values: object) -> list[str]:
    """Return an id a row of the evidence: words share their sentence's."""
    if task.objective is not Objective.TAGS or not isinstance(values, list):
        return list(task.train.ids)
    counts = [
        min(len(words), len(tags)) for words, tags in zip(values, task.train.targets, strict=True)
    ]
    return [one for one, count in zip(task.train.ids, counts, strict=True) for _ in range(count)]
