"""A probe's whole regularisation path against scikit-learn fitting it strength by strength."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from bench.data import features
from headstart.task.model import Objective
from headstart.train.linear import STRENGTHS, fit_path, predict


def run() -> list[dict[str, Any]]:
    """Fit ten strengths both ways on the same features; accuracy of the best beside the time."""
    train, targets, test, truth, name = features()
    classes = int(targets.max()) + 1
    began = time.perf_counter()
    heads = fit_path(train, targets, Objective.SINGLE_LABEL, classes, STRENGTHS)
    ours = time.perf_counter() - began
    best = max(_accuracy(predict(h, test, Objective.SINGLE_LABEL), truth) for h in heads)
    scale = float(np.sqrt(np.square(train - train.mean(axis=0)).sum(axis=1).mean()))
    began = time.perf_counter()
    peers = [
        LogisticRegression(C=strength / scale**2, max_iter=1000).fit(train, targets)
        for strength in STRENGTHS
    ]
    theirs = time.perf_counter() - began
    peer_best = max(float((peer.predict(test) == truth).mean()) for peer in peers)
    return [
        {"what": f"headstart path, {name}", "seconds": ours, "accuracy": best,
         "ratio": theirs / ours},
        {"what": f"scikit-learn, {len(STRENGTHS)} fits, {name}", "seconds": theirs,
         "accuracy": peer_best, "ratio": 1.0},
    ]  # fmt: skip


def _accuracy(probabilities: np.ndarray, truth: np.ndarray) -> float:
    return float((probabilities.argmax(axis=1) == truth).mean())
