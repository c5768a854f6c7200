"""F1 and recall from weighted counts: right, predicted and true, one column a class."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from headstart.measure.metric import Vector, divided


def class_counts(right: Any, predicted: Any, true: Any) -> Any:
    """Return sparse (N, 3C) statistics from three (N, C) matrices of counts an item and class."""
    return sparse.hstack([right, predicted, true], format="csr", dtype=np.float64)


def one_hot(columns: Any, width: int, keep: Any = None) -> Any:
    """Return a sparse (N, width) matrix with a one at each item's column, where ``keep``."""
    columns = np.asarray(columns)
    rows = np.arange(len(columns))
    if keep is not None:
        rows, columns = rows[keep], columns[keep]
    shape = (len(rows) if keep is None else len(keep), width)
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)


def micro_f1(sums: Vector) -> Vector:
    """Return F1 over all decisions, (R, 3C) → (R,); 0 where nothing is true or predicted."""
    right, predicted, true = (part.sum(axis=1) for part in np.split(sums, 3, axis=1))
    return divided(2 * right, predicted + true)


def macro_f1(sums: Vector) -> Vector:
    """Return the mean F1 of the classes that are true or predicted anywhere, (R, 3C) → (R,).

    A class that a resample lost altogether has no F1 and is left out, as in scikit-learn's
    ``f1_score(average="macro", zero_division=nan)``.
    """
    right, predicted, true = np.split(sums, 3, axis=1)
    present = predicted + true > 0
    each = divided(2 * right, predicted + true)
    return divided(each.sum(axis=1), present.sum(axis=1))


def balanced_recall(sums: Vector) -> Vector:
    """Return the mean recall of the classes that are true anywhere, (R, 3C) → (R,)."""
    right, _, true = np.split(sums, 3, axis=1)
    return divided(divided(right, true).sum(axis=1), (true > 0).sum(axis=1))
