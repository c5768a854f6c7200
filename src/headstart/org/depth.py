"""How deep a role goes at each level, and what changes from one level to another.

Each level builds on those before it. A strand's depth at a level is the number of levels up to
it whose expectation takes that strand further; so depth follows from the profile's texts alone,
and never falls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from headstart.org.profile import Expectation, Named, Point, Profile


@dataclass(frozen=True)
class Step:
    """One level of a role.

    Attributes:
        level: Which.
        expectation: What is expected there, or None.
        depths: Strand id → depth, in the profile's order of strands.
        deepened: Strands that this level takes further.
    """

    level: Named
    expectation: Expectation | None
    depths: dict[str, int]
    deepened: frozenset[str]

    @property
    def total(self) -> int:
        """The depth of all strands together."""
        return sum(self.depths.values())


class Change(StrEnum):
    """What becomes of a strand between two places."""

    ADDED = "added"
    DEEPER = "deeper"
    SAME = "same"
    LESS = "less"
    GONE = "gone"
    ABSENT = "absent"


@dataclass(frozen=True)
class Place:
    """Where somebody stands: ids of a role and a level."""

    role: str
    level: str


@dataclass(frozen=True)
class Difference:
    """One strand at two places.

    Attributes:
        strand: Which.
        before, after: Its depth at both.
        change: In one word.
        points: Only of the deeper place: what it asks for in this strand beyond the other.
    """

    strand: Named
    before: int
    after: int
    change: Change
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Comparison:
    """Two places, strand by strand."""

    before: Place
    after: Place
    differences: tuple[Difference, ...]

    def of(self, *changes: Change) -> tuple[Difference, ...]:
        """Return the strands that changed so."""
        return tuple(one for one in self.differences if one.change in changes)


def growth(profile: Profile, role: str) -> tuple[Step, ...]:
    """Return a role's levels from the first to the last, with the depth of every strand."""
    depths = dict.fromkeys((strand.id for strand in profile.strands), 0)
    steps = []
    for level in profile.levels:
        found = profile.expected(role, level.id)
        touched = frozenset(point.strand for point in found.points) if found else frozenset()
        depths = {name: depth + (name in touched) for name, depth in depths.items()}
        steps.append(Step(level, found, depths, touched))
    return tuple(steps)


def compare(profile: Profile, before: Place, after: Place) -> Comparison:
    """Return what is added and what deepens from one place to another, of any two roles."""
    first, second = _step(profile, before), _step(profile, after)
    differences = []
    for strand in profile.strands:
        low, high = first.depths[strand.id], second.depths[strand.id]
        deeper, other = (before, after) if low > high else (after, before)
        points = () if low == high else _beyond(profile, strand.id, deeper, other)
        differences.append(Difference(strand, low, high, _change(low, high), points))
    return Comparison(before, after, tuple(differences))


def comparisons(
    profile: Profile, roles: Iterable[str], before: str, after: str
) -> tuple[Comparison, ...]:
    """Return the same two levels compared for each of several roles."""
    return tuple(compare(profile, Place(role, before), Place(role, after)) for role in roles)


def _step(profile: Profile, place: Place) -> Step:
    return growth(profile, place.role)[profile.rank(place.level)]


def _change(low: int, high: int) -> Change:
    if low == high:
        return Change.SAME if low else Change.ABSENT
    if low < high:
        return Change.DEEPER if low else Change.ADDED
    return Change.LESS if high else Change.GONE


def _beyond(profile: Profile, strand: str, deeper: Place, other: Place) -> tuple[Point, ...]:
    """Return the deeper place's points in a strand that the other does not have yet.

    Within one role those are the points of the levels between; another role's are all new.
    """
    known = profile.rank(other.level) if deeper.role == other.role else -1
    asked = (
        profile.expected(deeper.role, level.id)
        for level in profile.levels[known + 1 : profile.rank(deeper.level) + 1]
    )
    return tuple(p for one in asked if one for p in one.points if p.strand == strand)
