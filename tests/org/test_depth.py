"""Depth grows from level to level, and a comparison says what is added and what deepens."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.org.depth import Change, Place, compare, comparisons, growth
from headstart.org.library import DEFAULT, Library
from headstart.org.profile import Profile

from .helpers import profile

STEPS = {
    ("chef", "first"): ["knives"],
    ("chef", "second"): ["knives", "menus"],
    ("chef", "third"): ["menus", "money", "menus"],
    ("waiter", "first"): ["menus"],
    ("waiter", "third"): ["money"],
}
LEVELS, STRANDS = ("a", "b", "c", "d"), ("p", "q", "r")


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    strands = st.lists(st.sampled_from(STRANDS), min_size=1, max_size=4)
    return profile({("one", level): draw(strands) for level in LEVELS})


def test_a_strand_is_one_step_deeper_at_each_level_that_takes_it_further() -> None:
    steps = growth(profile(STEPS), "chef")
    assert [step.depths["knives"] for step in steps] == [1, 2, 2]
    assert [step.depths["menus"] for step in steps] == [0, 1, 2]
    assert [step.total for step in steps] == [1, 3, 5]
    assert steps[2].deepened == {"menus", "money"}


def test_a_level_without_an_expectation_keeps_the_depth() -> None:
    steps = growth(profile(STEPS), "waiter")
    assert [step.total for step in steps] == [1, 1, 2]
    assert steps[1].expectation is None


@given(profiles())
def test_depth_grows_at_every_level_and_never_falls_in_a_strand(any_profile: Profile) -> None:
    steps = growth(any_profile, "one")
    for before, after in pairwise(steps):
        assert after.total > before.total
        assert all(after.depths[name] >= depth for name, depth in before.depths.items())


@pytest.mark.parametrize("role", ["data-scientist", "llm-engineer"])
def test_in_the_packaged_profile_depth_grows_from_junior_to_principal(role: str) -> None:
    totals = [step.total for step in growth(Library().get(DEFAULT), role)]
    assert len(totals) == 5
    assert totals == sorted(set(totals))


def test_a_comparison_tells_what_is_added_what_deepens_and_what_stays() -> None:
    found = compare(profile(STEPS), Place("chef", "first"), Place("chef", "third"))
    assert {one.strand.id: one.change for one in found.differences} == {
        "knives": Change.DEEPER,
        "menus": Change.ADDED,
        "money": Change.ADDED,
    }
    (menus,) = (one for one in found.differences if one.strand.id == "menus")
    said = [point.text.en for point in menus.points]
    assert said == ["chef second menus", "chef third menus", "chef third menus"]


def test_points_that_both_levels_have_are_not_told_again() -> None:
    found = compare(profile(STEPS), Place("chef", "second"), Place("chef", "third"))
    assert [p.text.en for one in found.of(Change.DEEPER) for p in one.points] == [
        "chef third menus",
        "chef third menus",
    ]
    (knives,) = found.of(Change.SAME)
    assert knives.points == ()


def test_roles_can_be_compared_with_each_other() -> None:
    found = compare(profile(STEPS), Place("waiter", "first"), Place("chef", "second"))
    assert {one.strand.id: one.change for one in found.differences} == {
        "knives": Change.ADDED,
        "menus": Change.SAME,
        "money": Change.ABSENT,
    }


def test_all_roles_are_compared_one_by_one() -> None:
    found = comparisons(profile(STEPS), ["chef", "waiter"], "first", "third")
    assert [one.before for one in found] == [Place("chef", "first"), Place("waiter", "first")]


@given(profiles(), st.sampled_from(LEVELS), st.sampled_from(LEVELS))
def test_there_and_back_is_the_same_told_the_other_way(
    any_profile: Profile, first: str, second: str
) -> None:
    back = {Change.ADDED: Change.GONE, Change.DEEPER: Change.LESS, Change.GONE: Change.ADDED,
            Change.LESS: Change.DEEPER}  # fmt: skip
    there = compare(any_profile, Place("one", first), Place("one", second)).differences
    again = compare(any_profile, Place("one", second), Place("one", first)).differences
    for one, other in zip(there, again, strict=True):
        assert (one.before, one.after) == (other.after, other.before)
        assert other.change == back.get(one.change, one.change)
        assert one.points == other.points
