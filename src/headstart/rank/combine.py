"""One order of bases from many scores, with how far the scores agree and who is in a tie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import special

from headstart.rank.agree import Agreement, agreement
from headstart.rank.assess import Assessment

Matrix = NDArray[np.float64]

_CROSS_VALIDATED = 2.0  # weight: these predict rows they have not seen; the others weigh one
_ALIKE = 1e-9  # of the larger of two values: what differs by less is equal
_LEAD = "probe"
_SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Ranked:
    """One base's place.

    Attributes:
        base: Its reference.
        scores: Every score it has.
        combined: Weighted share of the other bases that it beats, 0 to 1.
        tie_with_first: Whether a paired test on the rows does not show it to be worse than the
            first; the first itself is one.
        standard_error: Of the score that ties are judged by; None without one.
    """

    base: str
    scores: Mapping[str, float]
    combined: float
    tie_with_first: bool
    standard_error: float | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """The bases, best first.

    Attributes:
        bases: In order.
        weights: Weight of each score that counted: those that every base has.
        judged_by: Cross-validated score by which ties were judged, or None.
        agreement: How far the counted scores agree.
    """

    bases: tuple[Ranked, ...]
    weights: Mapping[str, float]
    judged_by: str | None
    agreement: Agreement


def combine(assessments: Mapping[str, Assessment]) -> Ranking:
    """Order bases by the weighted share of rivals that each beats (Borda's count).

    Scores have no common unit (nats, a trace, a share), and a spread estimated from three bases
    is no unit either; so a score only says which of two bases is better. In this way no score
    with a wild value takes over. A cross-validated score knows its noise: its vote is split by
    the probability that the difference is real, from the paired rows. So a lead within noise
    moves little, and the other scores decide. Cross-validated scores weigh two, others one.

    A score that some base lacks (LEEP without a source head) is shown and not counted: it could
    only compare some of the bases. Bases whose combined value is the same follow in the order of
    the judging score, then of their names.

    Args:
        assessments: By base; all on the same rows in the same order.

    Raises:
        ValueError: No bases, no common score, or cross-validated on different numbers of rows.
    """
    bases, names = list(assessments), _common(assessments)
    shown = [assessments[base] for base in bases]
    tested = [name for name in names if all(name in one.merits for one in shown)]
    weights = {name: _CROSS_VALIDATED if name in tested else 1.0 for name in names}
    judge = _LEAD if _LEAD in tested else next(iter(tested), None)
    votes = {name: _votes(shown, name) for name in names}
    combined = _combined(votes, weights)
    order = sorted(
        range(len(bases)),
        key=lambda k: (-round(combined[k], 9), -_judged(shown[k], judge), bases[k]),
    )
    ranked = tuple(
        Ranked(
            base=bases[k],
            scores=dict(shown[k].scores),
            combined=combined[k],
            tie_with_first=judge is None or not _is_sure(votes[judge][order[0], k]),
            standard_error=_error(shown[k], judge),
        )
        for k in order
    )
    values = {name: [one.scores[name] for one in shown] for name in names}
    return Ranking(ranked, weights, judge, agreement(bases, values))


def paired(first: Matrix, second: Matrix) -> float:
    """Return the probability that the first base is better, from (N,) merits on the same rows.

    Normal, on the mean of the paired differences. One row more for each side is counted, of the
    size of the others (Agresti & Min 2005 for shares): ten rows of which none differs, or all
    do, prove less than their spread of zero says. Folds share training rows, so that the spread
    is a little too small (Bengio & Grandvalet 2004).

    Raises:
        ValueError: Different numbers of rows.
    """
    if len(first) != len(second):
        raise ValueError(f"bases were shown {len(first)} and {len(second)} rows: not the same")
    difference = first - second
    size = sqrt(float(np.square(difference).mean()))
    if size == 0:
        return 0.5
    padded = np.concatenate([difference, [size, -size]])
    error = float(padded.std()) / sqrt(len(padded))
    return float(special.ndtr(float(padded.mean()) / error))


def _common(assessments: Mapping[str, Assessment]) -> list[str]:
    """Return the scores that every base has."""
    every = dict.fromkeys(name for one in assessments.values() for name in one.scores)
    names = [name for name in every if all(name in one.scores for one in assessments.values())]
    if not names:
        raise ValueError("there is no score that all bases have")
    return names


def _votes(shown: Sequence[Assessment], name: str) -> Matrix:
    """Return (B, B) how far, 0 to 1, the row's base beats the column's; a draw is one half."""
    values = np.array([one.scores[name] for one in shown])
    if all(name in one.merits for one in shown):
        found = np.full((len(shown), len(shown)), 0.5)
        for row, column in combinations(range(len(shown)), 2):
            found[row, column] = paired(shown[row].merits[name], shown[column].merits[name])
            found[column, row] = 1 - found[row, column]
        return found
    apart = values[:, np.newaxis] - values
    alike = np.abs(apart) <= _ALIKE * np.maximum.outer(np.abs(values), np.abs(values))
    return np.asarray(np.where(alike, 0.5, (apart > 0).astype(np.float64)))


def _combined(votes: Mapping[str, Matrix], weights: Mapping[str, float]) -> list[float]:
    """Return (B,) the mean weighted vote over scores and rivals; one for a base without any."""
    mean = np.average(list(votes.values()), axis=0, weights=[weights[name] for name in votes])
    rivals = len(mean) - 1
    if not rivals:
        return [1.0]
    return [float(share) for share in (mean.sum(axis=1) - np.diag(mean)) / rivals]


def _is_sure(probability: float) -> bool:
    """Return whether a two-sided test would call this a difference."""
    return probability > 1 - _SIGNIFICANCE / 2


def _judged(one: Assessment, judge: str | None) -> float:
    return 0.0 if judge is None else one.scores[judge]


def _error(one: Assessment, judge: str | None) -> float | None:
    if judge is None:
        return None
    merits = one.merits[judge]
    return float(merits.std()) / sqrt(len(merits))
