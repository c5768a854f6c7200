"""A few rows that stand for all: by class, by content, whatever the order of the file."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from headstart.rank.folds import rarest_label, salted
from headstart.task.model import Objective, Part

ROWS = 1_000
_A_CLASS = 5  # one for each fold of the probe
_BANDS = 10  # of a regression's values


def subsample(
    part: Part, objective: Objective, rows: int = ROWS, seed: int = 0
) -> NDArray[np.int64]:
    """Return positions of at most ``rows`` rows, no two of the same content.

    Classes keep their shares, except that each has at least five rows where it has them and
    there is room; rows with several labels count for their rarest, values for their tenth. The
    rows and their order depend on content and seed only, so that every base, every run and every
    order of the file gives the same ones.

    Raises:
        ValueError: ``rows`` is below one.
    """
    if rows < 1:
        raise ValueError("a subsample has at least one row")
    contents = _one_a_content(part, objective)
    key = dict(zip(contents, salted(seed, [part.ids[row] for row in contents]), strict=True))
    strata: dict[int, list[int]] = defaultdict(list)
    for row, stratum in zip(contents, _strata(part, objective, contents), strict=True):
        strata[stratum].append(row)
    labels = sorted(strata)
    quotas = _quotas([len(strata[label]) for label in labels], rows)
    picked = [
        row
        for label, quota in zip(labels, quotas, strict=True)
        for row in sorted(strata[label], key=key.__getitem__)[:quota]
    ]
    return np.array(sorted(picked, key=key.__getitem__), dtype=np.int64)


def _one_a_content(part: Part, objective: Objective) -> list[int]:
    """Return one position a content; among several, the one with the least target."""
    best: dict[str, tuple[tuple[float, ...], int]] = {}
    for row, one in enumerate(part.ids):
        found = tuple(float(x) for x in np.atleast_1d(np.asarray(part.targets[row])))
        if one not in best or found < best[one][0]:
            best[one] = found, row
    return [row for _, row in best.values()]


def _strata(part: Part, objective: Objective, rows: list[int]) -> list[int]:
    """Return the stratum of each of these rows."""
    if objective is Objective.TAGS:
        return [0] * len(rows)
    targets = np.asarray(part.targets)[rows]
    if objective is Objective.MULTI_LABEL:
        return [int(label) for label in rarest_label(targets)]
    if objective is Objective.SINGLE_LABEL:
        return [int(label) for label in targets]
    borders = np.quantile(targets.astype(np.float64), np.arange(1, _BANDS) / _BANDS)
    return [int(band) for band in np.searchsorted(borders, targets)]


def _quotas(sizes: list[int], rows: int) -> list[int]:
    """Return how many rows each stratum gives: a few, then its share of what is left."""
    if sum(sizes) <= rows:
        return sizes
    few = min(_A_CLASS, rows // len(sizes))
    quotas = np.minimum(sizes, few)
    spare = np.asarray(sizes) - quotas
    share = spare * ((rows - quotas.sum()) / spare.sum())
    whole = np.floor(share + 1e-9).astype(np.int64)
    missing = int(rows - quotas.sum() - whole.sum())
    largest = np.argsort(whole - share, kind="stable")[:missing]
    whole[largest] += 1
    return [int(quota) for quota in quotas + whole]
