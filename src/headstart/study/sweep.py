"""How far from the base adapted weights may stay, so that no more is forgotten than allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headstart.measure.interval import Interval
from headstart.retention.forgotten import at_most

LOOKS = 6  # at most, the whole way included
GRAIN = 0.05  # shares are multiples of it


@dataclass(frozen=True)
class Look:
    """Weights at a share of their way.

    Attributes:
        share: Of it.
        forgotten: What is lost there, one interval a suite.
    """

    share: float
    forgotten: Sequence[Interval]

    @property
    def high(self) -> float:
        """What other rows will show at most, of the worst suite."""
        return max(at_most(one) for one in self.forgotten)


def farthest(limit: float, look: Callable[[float], Sequence[Interval]]) -> list[Look]:
    """Look at shares until the largest one within the limit is found; the last is it.

    What is forgotten grows with the share, from nothing at 0, so that a parabola through the two
    nearest looks says where to look next. Counts of right rows grow in jumps: where a look that
    was to be inside is not, the next halves what is left at least. Where even the smallest share
    looked at is past the limit, the last look has share 0 and nothing forgotten.

    Args:
        limit: Of what other rows will show at most, in every suite.
        look: Returns what is lost at a share.
    """
    found = [Look(1.0, look(1.0))]
    inside, outside = 0.0, found[0]
    if outside.high <= limit:
        return found
    best: Look | None = None
    missed = False
    while len(found) < LOOKS and outside.share - inside > GRAIN * 1.5:
        share = _next(limit, inside, best.high if best else 0.0, outside, missed)
        seen = Look(share, look(share))
        found.append(seen)
        missed = seen.high > limit
        if missed:
            outside = seen
        else:
            inside, best = share, seen
    if best is None:
        return [*found, Look(0.0, [Interval(0.0, 0.0, 0.0) for _ in found[0].forgotten])]
    return [one for one in found if one is not best] + [best]


def _next(limit: float, inside: float, held: float, outside: Look, missed: bool) -> float:
    """Return the share at which the limit is met, if what is forgotten grows as the square.

    Half way at most, if the last such guess missed.
    """
    rise = max(outside.high - held, 1e-9)
    part = max(0.0, limit - held) / rise
    if missed:
        part = min(part, 0.25)
    guess = inside + (outside.share - inside) * part**0.5
    steps = round(guess / GRAIN)
    least, most = round(inside / GRAIN) + 1, round(outside.share / GRAIN) - 1
    return float(round(min(max(steps, least), most) * GRAIN, 2))
