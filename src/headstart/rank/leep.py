"""leep: what the base's own classes say about the new ones (Nguyen et al. 2020)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from headstart.rank.score import ONE_CLASS_A_ROW, Evidence, TransferScore
from headstart.rank.spectrum import Matrix
from headstart.task.model import Objective


class Leep(TransferScore):
    """Log expected empirical prediction.

    Nguyen, Hassner, Seeger & Archambeau 2020, https://arxiv.org/abs/2002.12462:
    ``mean over rows of log Σ_z p(y | z) θ(x)_z``, where θ are the probabilities of the base's
    source classes z and p(y | z) is counted from the same rows.

    Range: (-∞, 0], and never below minus the entropy of the classes. Meaning: log likelihood of
    the classes when the source head is read through one table of conditional probabilities.
    Cost: O(N · Z · C).
    """

    name: ClassVar[str] = "leep"
    summary: ClassVar[str] = "likelihood of the classes through the base's own head"
    objectives: ClassVar[frozenset[Objective]] = ONE_CLASS_A_ROW

    def refuse(self, evidence: Evidence) -> str | None:
        """A base without a source head has no classes to read."""
        if evidence.source_probabilities is None:
            return "the base has no source head"
        return super().refuse(evidence)

    def score(self, evidence: Evidence, seed: int = 0) -> float:
        """Return the mean log likelihood, in nats."""
        assert evidence.source_probabilities is not None
        probabilities = np.asarray(evidence.source_probabilities, dtype=np.float64)
        return expected_prediction(probabilities, evidence.columns)


def expected_prediction(probabilities: Matrix, columns: Matrix) -> float:
    """Return LEEP of (N, Z) probabilities and (N, K) one-hot classes, in nats."""
    theta = probabilities / probabilities.sum(axis=1, keepdims=True)
    weight = theta.sum(axis=0)  # (Z,)
    theta, weight = theta[:, weight > 0], weight[weight > 0]
    conditional = theta.T @ columns / weight[:, np.newaxis]  # (Z, K) p(y | z)
    of_truth = (theta @ conditional)[columns > 0.5]  # (N,), above 0: a row counts itself
    return float(np.log(of_truth).mean())
