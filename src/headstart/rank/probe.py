"""probe: the cross-validated score of a linear head on the features."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.rank.folds import folds
from headstart.rank.score import CrossValidated, Evidence
from headstart.rank.spectrum import Matrix
from headstart.task.model import Objective
from headstart.train.linear import STRENGTHS, FoldHeads, held_out
from headstart.train.logistic import TOLERANCE

_STRENGTHS = (1.0, 10.0, 100.0)  # few: each step of the path costs a fit a fold
_WIDEST = 256  # axes of a logistic fit: ten times faster than 1,000 axes, and as right


class CrossValidatedProbe(CrossValidated):
    """What a linear head scores on rows that it has not seen, over five folds.

    Heads are those of :class:`headstart.train.linear.FoldHeads`, at three strengths of the L2
    penalty (a regression has its whole path for nothing). The strength with the best mean over
    all folds is taken; that choice among a few is the only thing the score has seen. Logistic
    heads see the 256 leading principal axes of all rows; labels have no part in these. Folds
    follow content and class (:func:`headstart.rank.folds.folds`).

    Range and meaning: accuracy (0 to 1), R² (-∞ to 1), or for several labels micro-F1 at
    probability one half (0 to 1): an estimate of what ``--method probe`` will reach on that many
    rows. Unmoved by rotation, offset and common scale, up to the solver's tolerance. Cost: five
    times O(N · R · min(N, R)), and O(N · R · C) an iteration of the solver, R being at most 256
    there.
    """

    name: ClassVar[str] = "probe"
    summary: ClassVar[str] = "cross-validated linear head"

    def refuse(self, evidence: Evidence) -> str | None:
        """Rows of one content cannot be both learnt and predicted."""
        if evidence.ids is not None and len(set(evidence.ids)) < 2:
            return "all rows have the same content: none is left to predict"
        return super().refuse(evidence)

    def merits(self, evidence: Evidence, seed: int = 0) -> Matrix:
        """Return (N,) what each row adds to the score at the best strength."""
        real = evidence.objective is Objective.REAL
        strengths = STRENGTHS if real else _STRENGTHS
        fold = folds(evidence, seed)
        features = _axes(evidence, None if real else _WIDEST)  # ridge is closed-form at any width
        heads = FoldHeads(
            features, evidence.targets, evidence.objective, evidence.n_classes, fold,
            tolerance=TOLERANCE,
        )  # fmt: skip
        predictions = [
            held_out(heads.at(strength), features, fold, evidence.objective)
            for strength in strengths
        ]
        merits = [_merits(evidence, prediction) for prediction in predictions]
        return merits[int(np.argmax([one.mean() for one in merits]))]


def _axes(evidence: Evidence, widest: int | None) -> NDArray[np.float32]:
    """Return the leading principal axes, (N, R); a column of zeros where features are constant."""
    rows = evidence.centred.rows[:, :widest]
    return np.ascontiguousarray(rows if rows.size else np.zeros((len(rows), 1)), dtype=np.float32)


def _merits(evidence: Evidence, prediction: NDArray[Any]) -> Matrix:
    """Return (N,) terms whose mean is the accuracy, R² or micro-F1 of the predictions.

    Micro-F1 is a ratio of sums, ``Σ 2 hits / Σ (true + predicted)``; its terms are the first
    order of what a row moves it by, so that their spread gives its standard error (the delta
    method).
    """
    targets = np.asarray(evidence.targets)
    if evidence.objective is Objective.SINGLE_LABEL:
        return np.asarray(prediction.argmax(axis=1) == targets, dtype=np.float64)
    if evidence.objective is Objective.REAL:
        error = np.square(targets.astype(np.float64) - prediction)
        return np.asarray(1 - error / targets.astype(np.float64).var())
    true, guessed = targets > 0.5, prediction >= 0.5
    twice = 2.0 * (true & guessed).sum(axis=1)
    both = np.asarray(true.sum(axis=1) + guessed.sum(axis=1), dtype=np.float64)
    f1 = twice.sum() / both.sum()
    return np.asarray(f1 + (twice - f1 * both) / both.mean())
