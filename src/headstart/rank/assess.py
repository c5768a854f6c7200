"""All scores of one base at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from headstart.rank.score import SCORES, CrossValidated, Evidence


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """What the scores say of one base.

    Attributes:
        scores: Value by name of the score; higher is better.
        merits: (N,) what each row adds, for the cross-validated ones; the mean is the score.
        refused: Why a score says nothing here, by name.
    """

    scores: Mapping[str, float]
    merits: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


def assess(evidence: Evidence, names: Iterable[str] | None = None, seed: int = 0) -> Assessment:
    """Return every score of one base that says something.

    Args:
        evidence: The base's features of the rows; all bases must be shown the same rows.
        names: Names in :data:`~headstart.rank.score.SCORES`; all if None.
        seed: Of folds and mixtures.

    Raises:
        RequestError: Unknown name.
    """
    scores: dict[str, float] = {}
    merits: dict[str, NDArray[np.float64]] = {}
    refused: dict[str, str] = {}
    for name in SCORES if names is None else names:
        score = SCORES.get(name)()
        reason = score.refuse(evidence)
        if reason is not None:
            refused[name] = reason
            continue
        if isinstance(score, CrossValidated):
            rows = score.merits(evidence, seed)
            value = float(rows.mean())
        else:
            rows, value = None, score.score(evidence, seed)
        if not isfinite(value):
            refused[name] = f"gave {value}"
            continue
        scores[name] = value
        if rows is not None:
            merits[name] = rows
    return Assessment(scores, merits, refused)
