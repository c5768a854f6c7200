"""Small evidence of known worth, for the tests of this room."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from headstart.rank.score import Evidence
from headstart.task.model import Objective

SINGLE, MULTI, REAL = Objective.SINGLE_LABEL, Objective.MULTI_LABEL, Objective.REAL


def names(rows: int) -> list[str]:
    """Content ids, one a row."""
    return [f"{row:032x}" for row in range(rows)]


def classified(
    signal: float, rows: int = 150, width: int = 16, classes: int = 3, seed: int = 0
) -> Evidence:
    """Gaussian classes whose means lie ``signal`` apart, and a source head that sees them."""
    generator = np.random.default_rng(seed)
    y = np.arange(rows) % classes
    means = np.linalg.qr(generator.normal(size=(max(width, classes), classes)))[0][:width].T
    x = signal * means[y] + 0.5 * generator.normal(size=(rows, width))
    logits = np.hstack([x @ means.T, generator.normal(size=(rows, 4))])
    theta = np.exp(3 * logits)
    theta /= theta.sum(axis=1, keepdims=True)
    return Evidence(x.astype(np.float32), y, SINGLE, classes, theta, names(rows))


def labelled(signal: float, rows: int = 150, width: int = 12, seed: int = 0) -> Evidence:
    """Four labels, several a row, that hang on the features by ``signal``."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, width))
    y = signal * x[:, :4] + generator.normal(size=(rows, 4)) > 0.4
    return Evidence(x.astype(np.float32), y.astype(np.float32), MULTI, 4, None, names(rows))


def valued(signal: float, rows: int = 150, width: int = 12, seed: int = 0) -> Evidence:
    """A value that hangs on the features by ``signal``."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, width))
    y = signal * x @ generator.normal(size=width) + generator.normal(size=rows)
    return Evidence(x.astype(np.float32), y, REAL, 0, None, names(rows))


def blurred(evidence: Evidence, noise: float, seed: int = 1) -> Evidence:
    """The same targets, seen through features and a source head with noise."""
    generator = np.random.default_rng(seed)
    x = evidence.features + noise * generator.normal(size=evidence.features.shape)
    theta = evidence.source_probabilities
    if theta is not None:
        theta = (theta + noise * generator.dirichlet(np.ones(theta.shape[1]), len(theta))) / (
            1 + noise
        )
    return replace(evidence, features=x.astype(np.float32), source_probabilities=theta)


def shuffled(evidence: Evidence, seed: int = 1) -> Evidence:
    """The same, with targets that have nothing to do with the rows."""
    order = np.random.default_rng(seed).permutation(len(evidence))
    return replace(evidence, targets=evidence.targets[order])


def taken(evidence: Evidence, order: Any) -> Evidence:
    """The same rows in another order."""
    theta, ids = evidence.source_probabilities, evidence.ids
    return replace(
        evidence,
        features=evidence.features[order],
        targets=evidence.targets[order],
        source_probabilities=None if theta is None else theta[order],
        ids=None if ids is None else [ids[row] for row in order],
    )
