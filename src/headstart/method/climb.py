"""The best of settings that lie in order, without trying them all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from headstart.train.linear import LinearHead

Point = Any  # what a method calls one of its settings; hashable
Merit = tuple[float, float]  # a score, and what settles ties between equal ones


@dataclass(frozen=True)
class Line:
    """Settings in order, from plain to intricate: one is best, and the further from it the worse.

    Attributes:
        points: The settings.
        heads: Setting → a head a fold, with as many digits as scores need.
    """

    points: tuple[Point, ...]
    heads: Callable[[Point], list[LinearHead]]


def climbed(
    line: Line, merit: Callable[[list[LinearHead]], Merit], rows: int
) -> tuple[Merit, Point, list[LinearHead]]:
    """Return the best setting of a line, climbed from its first quarter up, or else down."""
    first = len(line.points) // 4  # before it lie settings that few data want
    found = _up(line, line.points[first:], merit, rows)
    if found[1] != line.points[first] or first == 0:
        return found
    below = _up(line, line.points[first - 1 :: -1], merit, rows)
    return max(found, below, key=lambda one: one[0])


def _up(
    line: Line, points: Sequence[Point], merit: Callable[[list[LinearHead]], Merit], rows: int
) -> tuple[Merit, Point, list[LinearHead]]:
    """Return the best of the points up to where the merit has clearly fallen."""
    merits: list[Merit] = []
    best: tuple[Merit, Point, list[LinearHead]] | None = None
    for point in points:
        heads = line.heads(point)
        merits.append(merit(heads))
        if best is None or merits[-1] > best[0]:
            best = merits[-1], point, heads
        if _has_fallen(merits, rows):
            break
    assert best is not None
    return best


def told_apart(best: Merit, other: Merit, rows: int) -> bool:
    """Tell whether a score lies below the best one by more than the noise of so many rows."""
    error = _noise(best[0], rows)
    return other < best if error is None else other[0] < best[0] - error


def _has_fallen(merits: list[Merit], rows: int) -> bool:
    """Tell whether the last is worse than the best in both, or in the score beyond its noise."""
    score, ease = merits[-1]
    best = max(score for score, _ in merits)
    error = _noise(best, rows)
    if error is None:
        return False
    return (score < best and ease < max(ease for _, ease in merits)) or score < best - error


def _noise(score: float, rows: int) -> float | None:
    """Return the standard error of a share of rows; None for what is no share."""
    if not 0 <= score <= 1:
        return None
    return math.sqrt(score * (1 - score) / rows) + 1e-9
