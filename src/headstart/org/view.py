"""What a reader chose of a profile, and all that is shown for it: the same for both faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headstart.org.depth import Comparison, Place, Step, compare, growth
from headstart.org.profile import Expectation, Named, Profile
from headstart.org.proof import EvidenceSource, Shown, evidence_for


@dataclass(frozen=True)
class Choice:
    """Where a reader stands and what they compare with; None is "all", or "nothing".

    Attributes:
        role, level: Where they stand.
        compare: A level to compare with.
        other: The role it is compared as; None for the same.
    """

    role: Named | None = None
    level: Named | None = None
    compare: Named | None = None
    other: Named | None = None


@dataclass(frozen=True)
class Expected:
    """What is expected at one place, and the evidence for it."""

    role: Named
    level: Named
    expectation: Expectation | None
    evidence: tuple[Shown, ...]


@dataclass(frozen=True)
class View:
    """All that is shown.

    Attributes:
        profile, choice: What of.
        roles: Those to show: the chosen one, or all.
        growth: Role id → its levels with depths.
        expected: At the chosen places; without a level none.
        comparisons: One for each role that is shown.
    """

    profile: Profile
    choice: Choice
    roles: tuple[Named, ...]
    growth: Mapping[str, tuple[Step, ...]]
    expected: tuple[Expected, ...]
    comparisons: tuple[Comparison, ...]


def chosen(
    profile: Profile,
    role: str | None = None,
    level: str | None = None,
    compare: str | None = None,
    other: str | None = None,
) -> Choice:
    """Return a choice from names; an empty one counts as none.

    Raises:
        RequestError: A name that the profile does not have; the nearest is named.
    """
    return Choice(
        role=profile.role(role) if role else None,
        level=profile.level(level) if level else None,
        compare=profile.level(compare) if compare else None,
        other=profile.role(other) if other else None,
    )


def view(profile: Profile, choice: Choice, sources: Sequence[EvidenceSource] = ()) -> View:
    """Return what is shown for a choice.

    Raises:
        HeadstartError: As the sources.
    """
    roles = (choice.role,) if choice.role else profile.roles
    return View(
        profile=profile,
        choice=choice,
        roles=roles,
        growth={role.id: growth(profile, role.id) for role in profile.roles},
        expected=tuple(_expected(profile, role, choice.level, sources) for role in roles)
        if choice.level
        else (),
        comparisons=_comparisons(profile, choice, roles),
    )


def _expected(
    profile: Profile, role: Named, level: Named | None, sources: Sequence[EvidenceSource]
) -> Expected:
    assert level is not None
    found = profile.expected(role.id, level.id)
    return Expected(role, level, found, evidence_for(found, sources) if found else ())


def _comparisons(
    profile: Profile, choice: Choice, roles: Sequence[Named]
) -> tuple[Comparison, ...]:
    level, other = choice.level, choice.compare
    if level is None or other is None:
        return ()
    return tuple(
        compare(profile, Place(role.id, level.id), Place((choice.other or role).id, other.id))
        for role in roles
    )
