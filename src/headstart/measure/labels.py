"""Learning curves: how many more labels gain a point, and where two curves cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, inf, isfinite, log10

import numpy as np
from scipy import special

from headstart.measure.interval import Interval, t_quantile
from headstart.measure.power_law import LabelPoint, arrays, fit_many, labels_at

__all__ = ["Crossing", "LabelPoint", "LabelsNeeded", "crossing", "labels_for_gain"]

_DRAWS = 1000
_FAR = 100  # a forecast of more than this many times the labels there are is no forecast
_Z = t_quantile(inf)


@dataclass(frozen=True, slots=True)
class LabelsNeeded:
    """How many more labels a gain costs.

    Attributes:
        more: Rows beyond those there are; None if the curve flattens out before the gain.
        low, high: 95% band; None where not even the band reaches the gain.
        sentence: The same for people.
    """

    more: int | None
    low: int | None
    high: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where two learning curves cross.

    Attributes:
        labels: Rows at which the second overtakes the first (or the reverse); None if they do not
            cross in the measured range.
        low, high: The measured numbers of rows between which the order surely changes.
        sentence: The same for people.
    """

    labels: int | None
    low: int | None
    high: int | None
    sentence: str


def labels_for_gain(curve: Sequence[LabelPoint], gain: float = 0.01, seed: int = 0) -> LabelsNeeded:
    """Return about how many more labels gain ``gain`` (0.01 is a point) of score.

    The power law is fitted to the curve and read at its last point's fitted error minus ``gain``;
    the band repeats this with every point redrawn from a normal of its own spread (parametric
    bootstrap; points share their test items, so the band is on the wide side). A forecast beyond
    100 times the labels there are counts as out of reach.

    Args:
        curve: At least three points with different ``labels``, scores of at most 1.
        gain: Wanted gain, > 0.
        seed: Of the redrawing.
    """
    if gain <= 0:
        raise ValueError(f"a gain must be positive, not {gain}")
    if len({point.labels for point in curve}) < 3:
        sentence = "The learning curve has too few points to say how many labels a gain costs."
        return LabelsNeeded(None, None, None, sentence)
    labels, errors, spread = arrays(curve)
    draws = errors + spread * np.random.default_rng(seed).standard_normal((_DRAWS, len(errors)))
    fits = fit_many(labels, np.concatenate([errors[np.newaxis, :], draws]), spread)
    have = float(labels.max())
    now = fits[0] + fits[1] * have ** -fits[2]
    more = labels_at(now - gain, *fits) - have
    more[more > _FAR * have] = inf
    low, high = np.quantile(more[1:], [0.025, 0.975], method="nearest")
    # A band that its own point estimate lies outside of helps nobody.
    middle, least, most = (_whole(x) for x in (more[0], min(low, more[0]), max(high, more[0])))
    sentence = _needed_sentence(int(have), gain, middle, least, most)
    return LabelsNeeded(middle, least, most, sentence)


def crossing(
    first: Sequence[LabelPoint],
    second: Sequence[LabelPoint],
    names: tuple[str, str] = ("the first", "the second"),
) -> Crossing:
    """Return where two learning curves cross, or that they do not, in the measured range.

    The curves are compared at the numbers of labels both have. One is surely ahead where a z test
    on the two intervals says so, at the 5% level for all points together (Bonferroni); that the
    two share their test items is not used, which is on the safe side. They cross where the one
    that is surely ahead changes; the place is where straight lines over log n meet.

    Args:
        first: Points of a learning curve.
        second: The same of the other.
        names: What to call the two.

    Raises:
        ValueError: The curves have no number of labels in common.
    """
    here = _shared(first, second)
    if not here:
        raise ValueError("the two curves have no number of labels in common")
    ahead = _ahead(here)
    sure = [i for i, sign in enumerate(ahead) if sign]
    last = here[-1][0]
    if not sure:
        sentence = (
            f"Up to {last:,} labels no difference between {names[0]} and {names[1]} can be shown."
        )
        return Crossing(None, None, None, sentence)
    changes = [(i, j) for i, j in pairwise(sure) if ahead[i] != ahead[j]]
    if changes:
        return _crossed(here, changes[0], names, ahead)
    leader = names[0] if ahead[sure[0]] > 0 else names[1]
    return Crossing(None, None, None, _uncrossed_sentence(here, ahead, sure, leader, names))


def _whole(number: float) -> int | None:
    return max(1, ceil(number)) if isfinite(number) else None


def _about(number: int) -> str:
    """Return the number rounded to two digits: nobody can forecast more."""
    digits = max(0, int(log10(number)) - 1)
    return f"{round(number, -digits):,}"


def _needed_sentence(
    have: int, gain: float, more: int | None, low: int | None, high: int | None
) -> str:
    points = f"{100 * gain:.3g} point{'' if gain == 0.01 else 's'}"
    if more is None and low is None:
        return f"The learning curve is flat at {have:,} labels: more will hardly gain {points}."
    if more is None or low is None:
        few = f"; at best about {_about(low)} more would do" if low else ""
        return f"The learning curve flattens out at {have:,} labels: {points} is not in sight{few}."
    band = f"{_about(low)} to {_about(high)}" if high else f"at least {_about(low)}"
    return f"You would need about {_about(more)} more labels to gain {points} (95% band: {band})."


Shared = tuple[int, Interval, Interval]


def _shared(first: Sequence[LabelPoint], second: Sequence[LabelPoint]) -> list[Shared]:
    other = {point.labels: point.score for point in second}
    pairs = [(p.labels, p.score, other[p.labels]) for p in first if p.labels in other]
    return sorted(pairs, key=lambda pair: pair[0])


def _ahead(here: list[Shared]) -> list[int]:
    """Return at each point 1 if the first is surely ahead, −1 if the second, else 0."""
    limit = float(special.ndtri(1 - 0.025 / len(here)))
    signs = []
    for _, a, b in here:
        error = float(np.hypot(a.high - a.low, b.high - b.low)) / (2 * _Z)
        difference = a.value - b.value
        signs.append(int(np.sign(difference)) if abs(difference) > limit * error else 0)
    return signs


def _crossed(
    here: list[Shared], change: tuple[int, int], names: tuple[str, str], ahead: list[int]
) -> Crossing:
    span = here[change[0] : change[1] + 1]
    logs = np.log([labels for labels, _, _ in span])
    gaps = [a.value - b.value for _, a, b in span]
    start = next(
        i for i in range(len(gaps) - 1) if gaps[i] * gaps[-1] <= 0 < gaps[i + 1] * gaps[-1]
    )
    share = gaps[start] / (gaps[start] - gaps[start + 1])
    labels = round(float(np.exp(logs[start] + share * (logs[start + 1] - logs[start]))))
    low, high = span[0][0], span[-1][0]
    early, late = names if ahead[change[0]] > 0 else names[::-1]
    sentence = (
        f"The curves cross at about {labels:,} labels (surely between {low:,} and {high:,}): "
        f"{early} is ahead before, {late} after."
    )
    return Crossing(labels, low, high, sentence)


def _uncrossed_sentence(
    here: list[Shared], ahead: list[int], sure: list[int], leader: str, names: tuple[str, str]
) -> str:
    other = names[1] if leader == names[0] else names[0]
    first, last = here[0][0], here[-1][0]
    if ahead[-1]:
        since = here[sure[0]][0]
        start = "" if sure[0] == 0 else f" from {since:,} labels on"
        return (
            f"The curves do not cross up to {last:,} labels: {leader} is ahead of {other}{start}."
        )
    until = here[sure[-1]][0]
    return (
        f"The curves do not cross between {first:,} and {last:,} labels: {leader} is ahead of "
        f"{other} up to {until:,} labels; beyond that no difference can be shown."
    )
