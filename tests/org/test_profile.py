"""A profile holds together, or is refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from headstart.errors import RequestError
from headstart.org.profile import Profile, Requirement

from .helpers import both, profile

SMALL = {("chef", "first"): ["knives"], ("chef", "second"): ["knives", "menus"]}


def test_names_are_found_by_id_and_in_either_language() -> None:
    small = profile(SMALL)
    for name in ("chef", "Chef", " CHEF ", "chef (de)"):
        assert small.role(name).id == "chef"


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(RequestError, match="did you mean 'second'"):
        profile(SMALL).level("secnd")


def test_the_last_level_has_none_after_it() -> None:
    small = profile(SMALL)
    after = small.following("first")
    assert after is not None
    assert after.id == "second"
    assert small.following("second") is None


def test_where_nothing_is_said_nothing_is_expected() -> None:
    gap = profile({**SMALL, ("waiter", "second"): ["menus"]})
    assert gap.expected("waiter", "first") is None


def test_mandatory_ones_are_counted_apart() -> None:
    plain = profile(SMALL).model_dump(mode="json")
    plain["expectations"][0]["mandatory"] = True
    totals = Profile.model_validate(plain).totals
    assert (totals.expectations, totals.optional, totals.mandatory) == (2, 1, 1)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("roles", 0, "id"), "cook", "no role 'chef'"),
        (("expectations", 0, "level"), "frist", "did you mean 'first'"),
        (("expectations", 1, "level"), "first", "chef at first' is there twice"),
        (("expectations", 1, "id"), "chef-first", "'chef-first' is there twice"),
        (("expectations", 0, "points", 0, "strand"), "forks", "no strand 'forks'"),
        (("expectations", 0, "points"), [], "at least 1 item"),
        (("expectations", 0, "text"), {"en": "only"}, "Field required"),
        (("expectations", 0, "text", "de"), "  ", "at least 1 character"),
        (("expectations", 0, "commands"), [{"run": "rm -rf x", "does": both("x")}], "pattern"),
        (("id",), "../escape", "pattern"),
        (("version",), "2", "Input should be '1'"),
        (("extra",), "x", "Extra inputs"),
    ],
)
def test_what_does_not_hold_together_is_refused(
    path: tuple[Any, ...], value: object, said: str
) -> None:
    plain = profile(SMALL).model_dump(mode="json")
    place = plain
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    with pytest.raises(ValidationError, match=said):
        Profile.model_validate(plain)


@pytest.mark.parametrize(
    ("kind", "filters", "said"),
    [
        ("studies", {}, "did you mean 'study'"),
        ("study", {"metod": "lora"}, "did you mean 'method'"),
        ("study", {"measured": "forgeting"}, "did you mean 'forgetting'"),
    ],
)
def test_evidence_that_nothing_could_find_is_refused(
    kind: str, filters: dict[str, str], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        Requirement.model_validate({"text": both("x"), "kind": kind, "filters": filters})


def test_one_value_of_a_filter_needs_no_list() -> None:
    one = Requirement.model_validate(
        {"text": both("x"), "kind": "study", "filters": {"method": "lora"}}
    )
    assert one.filters == {"method": ("lora",)}
