"""Leaves out bases that cannot be the best, from their features of a subsample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.errors import HeadstartError
from headstart.progress import Progress
from headstart.study.arm import arm_name
from headstart.study.ranking import RankedBases, rank_bases
from headstart.study.words import listed, plural
from headstart.task.model import Task

MOST = 2  # bases that are adapted
SHOWN = ("probe", "centroid", "logme")  # scores of a base that a reader is told


@dataclass(frozen=True)
class Shortlist:
    """The bases to adapt, and why not the others.

    Attributes:
        kept: References, best first.
        dropped: Reference → why it is left out.
        ranked: What the order rests on; None where there was nothing to choose.
    """

    kept: tuple[str, ...]
    dropped: dict[str, str]
    ranked: RankedBases | None = None


def shortlisted(task: Task, bases: Sequence[str], progress: Progress, *, named: bool) -> Shortlist:
    """Return the best bases and those that cannot be told from it, at most :data:`MOST`.

    The ranking looks at a thousand training rows and trains nothing; where it fails, all bases
    stay.

    Args:
        task: What to learn.
        bases: References.
        progress: Who watches.
        named: Whether the user named them; then as many as may be kept are not ranked.
    """
    if len(bases) <= (MOST if named else 1):
        return Shortlist(tuple(bases), {})
    try:
        ranked = rank_bases(task, bases, progress)
    except HeadstartError as error:
        progress.say(f"the bases could not be ranked, all are tried: {error}")
        return Shortlist(tuple(bases), {})
    order = ranked.ranking.bases
    kept = tuple(one.base for one in order if one.tie_with_first)[:MOST]
    first = arm_name("", order[0].base).removeprefix(" · ")
    dropped = {}
    for place, one in enumerate(order, start=1):
        if one.base in kept:
            continue
        shown = listed(
            [
                f"{name} {one.scores[name]:.3f} against {order[0].scores[name]:.3f}"
                for name in SHOWN
                if name in one.scores and name in order[0].scores
            ]
        )
        dropped[one.base] = (
            f"its base came {_nth(place)} of {len(order)} in the ranking by frozen features of "
            f"{plural(ranked.rows, 'row')}; {first} was ahead ({shown})"
        )
    return Shortlist(kept, dropped, ranked)


def _nth(place: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(place if place < 20 else place % 10, "th")
    return f"{place}{ending}"
