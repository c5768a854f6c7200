"""Order and folds of rows that hang on their content, never on their place in a file."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.files import digest
from headstart.rank.score import Evidence
from headstart.task.model import Objective

FOLDS = 5


def salted(seed: int, ids: list[str]) -> list[str]:
    """Return a hash of each id: an order that is random, and the same for the same content."""
    return [digest("rank", str(seed), one) for one in ids]


def by_content(evidence: Evidence, seed: int) -> NDArray[np.int64]:
    """Return (N,) positions in an order that does not hang on the rows' own."""
    keys = salted(seed, _ids(evidence))
    strata = _strata(evidence)
    return np.array(sorted(range(len(keys)), key=lambda row: (keys[row], strata[row])))


def folds(evidence: Evidence, seed: int) -> NDArray[np.int64]:
    """Return (N,) fold of each row: up to five, each with its share of every class.

    Contents are sorted by class (rows with several labels by their rarest, values by size) and
    by salted hash, and dealt in turn. Rows of one content share a fold, so that none is
    predicted from its own copy. The folds do not see the features: every base gets the same.
    """
    strata = _strata(evidence)
    stratum_of: dict[str, float] = {}
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, one in enumerate(_ids(evidence)):
        rows_of[one].append(row)
        stratum_of[one] = min(strata[row], stratum_of.get(one, np.inf))
    contents = list(rows_of)
    key = dict(zip(contents, salted(seed, contents), strict=True))
    contents.sort(key=lambda one: (stratum_of[one], key[one]))
    found = np.zeros(len(evidence), dtype=np.int64)
    for at, one in enumerate(contents):
        found[rows_of[one]] = at % FOLDS
    return found


def _ids(evidence: Evidence) -> list[str]:
    ids = evidence.ids
    return [str(row) for row in range(len(evidence))] if ids is None else list(ids)


def _strata(evidence: Evidence) -> NDArray[np.float64]:
    """Return (N,) the class of each row; its rarest label, or its value."""
    targets = np.asarray(evidence.targets)
    if evidence.objective is not Objective.MULTI_LABEL:
        return targets.astype(np.float64)
    return rarest_label(targets).astype(np.float64)


def rarest_label(targets: NDArray[Any]) -> NDArray[np.int64]:
    """Return (N,) the rarest label of each row of (N, C), -1 for a row without any."""
    true = targets > 0.5
    rarity = np.where(true, true.sum(axis=0), np.inf)
    return np.where(true.any(axis=1), rarity.argmin(axis=1), -1).astype(np.int64)
