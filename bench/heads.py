"""A probe's head, its penalty chosen by cross-validation, against LogisticRegressionCV."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold

from bench.data import features
from headstart.method.climb import Line, Merit, climbed
from headstart.task.model import Objective
from headstart.train.linear import (
    STRENGTHS,
    FoldHeads,
    LinearHead,
    fit_path,
    held_out,
    mean_head,
    predict,
)

SINGLE = Objective.SINGLE_LABEL
FOLDS = 5
RUNS = 5  # of ours, whose median counts; the peer takes a minute


def run() -> list[dict[str, Any]]:
    """Choose among ten strengths by five folds and fit, both ways, on the same features."""
    train, targets, test, truth, name = features()
    rows, times = [], {}
    for what, all_strengths in (("climbing the path", False), ("all ten strengths", True)):
        seconds = []
        for _ in range(RUNS):
            began = time.perf_counter()
            head = _ours(train, targets, all_strengths=all_strengths)
            seconds.append(time.perf_counter() - began)
        times[what] = float(np.median(seconds))
        accuracy = float((predict(head, test, SINGLE).argmax(axis=1) == truth).mean())
        rows.append({"what": f"headstart, {what}, {name}", "accuracy": accuracy})
    scale = float(np.square(train).sum(axis=1).mean())
    began = time.perf_counter()
    peer = LogisticRegressionCV(
        Cs=[strength / scale for strength in STRENGTHS], cv=FOLDS, max_iter=1000
    ).fit(train, targets)
    theirs = time.perf_counter() - began
    for row, seconds in zip(rows, times.values(), strict=True):
        row |= {"seconds": seconds, "ratio": theirs / seconds}
    accuracy = float((peer.predict(test) == truth).mean())
    what = f"LogisticRegressionCV, ten strengths, {FOLDS} folds, {name}"
    return [*rows, {"what": what, "seconds": theirs, "accuracy": accuracy, "ratio": 1.0}]


def _ours(train: np.ndarray, targets: np.ndarray, *, all_strengths: bool) -> LinearHead:
    """Return the head on all rows, with the strength that the folds choose."""
    classes = int(targets.max()) + 1
    fold = np.empty(len(targets), dtype=np.int64)
    for at, (_, out) in enumerate(StratifiedKFold(FOLDS).split(train, targets)):
        fold[out] = at
    heads = FoldHeads(train, targets, SINGLE, classes, fold)

    def merit(found: list[LinearHead]) -> Merit:
        told = held_out(found, train, fold, SINGLE)
        sure = np.log(told[np.arange(len(told)), targets].clip(1e-15))
        return float((told.argmax(axis=1) == targets).mean()), float(sure.mean())

    if all_strengths:
        tried = [(merit(found), s, found) for s in STRENGTHS if (found := heads.at(s))]
        _, strength, near = max(tried, key=lambda one: one[0])
    else:
        _, strength, near = climbed(Line(STRENGTHS, heads.at), merit, len(targets))
    return fit_path(train, targets, SINGLE, classes, [strength], start=mean_head(near))[0]
