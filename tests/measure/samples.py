"""Made-up predictions with a known amount of right ones, for the tests of this room."""

from __future__ import annotations

import numpy as np


def probabilities(targets, classes, hits, seed=0):
    """Return (N, C) probabilities whose most probable class is the true one where ``hits``."""
    generator = np.random.default_rng(seed)
    n = len(targets)
    guess = np.where(hits, targets, (targets + generator.integers(1, classes, n)) % classes)
    found = generator.random((n, classes)) * 0.5
    found[np.arange(n), guess] += 1.0
    return found / found.sum(axis=1, keepdims=True)


def labels(n, classes, seed=0):
    """Return (N,) class indices."""
    return np.random.default_rng(seed).integers(classes, size=n)
