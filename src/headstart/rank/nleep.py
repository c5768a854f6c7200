"""nleep: LEEP with clusters of the features in place of a source head (Li et al. 2021)."""

from __future__ import annotations

import warnings
from typing import ClassVar

import numpy as np

from headstart.rank.folds import by_content
from headstart.rank.leep import expected_prediction
from headstart.rank.score import ONE_CLASS_A_ROW, Evidence, TransferScore
from headstart.rank.spectrum import Matrix, Spectrum
from headstart.task.model import Objective

_ENERGY = 0.8  # of the variance, as in the paper
_WIDEST = 64
_CLUSTERS_A_CLASS = 5
_MOST_CLUSTERS = 128
_ROWS_A_CLUSTER = 4
_LEAST_VARIANCE = 1e-3  # of the mean variance: a cluster of copies has a width all the same


class NLeep(TransferScore):
    """LEEP over the posteriors of a Gaussian mixture.

    Li et al. 2021, https://arxiv.org/abs/2011.11200: features are cut to the
    principal axes that hold 80% of the variance (here at most 64), a Gaussian mixture is fitted
    (here with diagonal covariances and five components a class, fewer than a quarter of the
    rows and at most 128), and :class:`~headstart.rank.leep.Leep` reads its posteriors. It works
    for every base.

    Range: minus the entropy of the classes to 0. Meaning: how well clusters, found without
    labels, are classes. The table is counted on the rows it is read on, so noise does not reach
    the lower end; only bases on the same rows compare. Cost: the decomposition, shared with
    other scores, and O(N · 64 · components) an iteration, at most 50.
    """

    name: ClassVar[str] = "nleep"
    summary: ClassVar[str] = "likelihood of the classes through clusters of the features"
    objectives: ClassVar[frozenset[Objective]] = ONE_CLASS_A_ROW

    def score(self, evidence: Evidence, seed: int = 0) -> float:
        """Return the mean log likelihood, in nats."""
        order = by_content(evidence, seed)  # the mixture starts from rows drawn by position
        rows = reduced(evidence.centred)[order]
        columns = evidence.columns[order]
        wanted = _CLUSTERS_A_CLASS * columns.shape[1]
        allowed = (len(rows) - 1) // _ROWS_A_CLUSTER
        components = max(1, min(wanted, allowed, _MOST_CLUSTERS))
        return expected_prediction(_posteriors(rows, components, seed), columns)


def reduced(features: Spectrum) -> Matrix:
    """Return (N, ≤ 64) leading principal components, of mean variance one."""
    share = np.cumsum(features.energies) / max(features.energies.sum(), np.finfo(float).tiny)
    width = min(_WIDEST, int(np.searchsorted(share, _ENERGY)) + 1)
    rows = features.rows[:, :width]
    return np.asarray(rows / (np.sqrt(np.square(rows).mean()) if rows.size else 1.0))


def _posteriors(rows: Matrix, components: int, seed: int) -> Matrix:
    if components == 1 or rows.shape[1] == 0:
        return np.ones((len(rows), 1))
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(
        components,
        covariance_type="diag",
        max_iter=50,
        reg_covar=_LEAST_VARIANCE,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not converged, or fewer different rows than clusters
        return np.asarray(mixture.fit(rows).predict_proba(rows))
