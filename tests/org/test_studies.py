"""A study is found by what it did and measured, and by nothing that it did not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.org.studies import study_traits

from .helpers import LOSS, NUMBER, study, trial


def shows(record: dict[str, Any], **filters: str | list[str]) -> bool:
    found = study_traits(record)
    assert found is not None
    return found.fits({k: [v] if isinstance(v, str) else v for k, v in filters.items()})


def test_a_study_is_found_by_its_methods_task_and_base() -> None:
    record = study(trial("probe"), trial("lora", "hf:org/name"), modality="image")
    assert shows(record, method="lora", task="classification", modality="image", source="hf")
    assert shows(record, method=["qlora", "lora"])
    assert not shows(record, method="qlora")
    assert not shows(record, method="lora", modality="text")


def test_beside_asks_for_another_method_of_the_same_study() -> None:
    assert shows(study(trial("probe")), method="probe", beside="scratch")
    assert not shows(study(trial("probe"), baselines=[]), method="probe", beside="scratch")


@pytest.mark.parametrize("status", ["failed", "skipped"])
def test_a_trial_that_did_not_end_well_shows_nothing(status: str) -> None:
    assert not shows(study(trial("lora", status=status)), method="lora")


def test_several_bases_are_told_from_one() -> None:
    assert shows(study(trial("probe"), trial("probe", "hf:a/b")), bases="several")
    assert shows(study(trial("probe")), bases="one")
    assert not shows(study(trial("probe")), bases="several")


@pytest.mark.parametrize(
    ("measured", "yes", "no"),
    [
        ("forgetting", study(trial("lora", retention=[LOSS])), study(trial("lora"))),
        (
            "limit",
            study(trial("lora", retention=[LOSS]), settings={"forget_at_most": 0.02}),
            study(trial("lora", retention=[LOSS]), settings={"forget_at_most": None}),
        ),
        # A limit that nothing was measured against limited nothing.
        (
            "limit",
            study(trial("lora", retention=[LOSS]), settings={"forget_at_most": 0.0}),
            study(trial("lora"), settings={"forget_at_most": 0.02}),
        ),
        (
            "learning-curve",
            study(learning_curve=[{"arm": "probe", "labels": 10, "score": NUMBER}]),
            study(),
        ),
        ("few-labels", study(settings={"labels_per_class": 16}), study()),
        ("audit", study(settings={"audit": True}), study(settings={"audit": False})),
        (
            "seeds",
            study(trial("lora"), trial("lora", seed=1)),
            study(trial("lora"), baselines=[trial("majority", None, seed=1)]),
        ),
    ],
)
def test_what_was_measured_is_told_from_what_was_not(
    measured: str, yes: dict[str, Any], no: dict[str, Any]
) -> None:
    assert shows(yes, measured=measured)
    assert not shows(no, measured=measured)


def test_a_newer_record_with_more_in_it_still_counts() -> None:
    record = study(trial("lora"))
    record["task"]["mood"] = "good"
    record["version"] = 2
    assert shows({**record, "weather": "fine"}, method="lora")


def test_a_name_of_any_length_makes_a_short_title() -> None:
    found = study_traits(study(trial("lora"), name="n" * 10_000))
    assert found is not None
    assert len(found.title) < 120


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(st.sampled_from(["task", "trials", "baselines", "reproduce", "learning_curve"]), json_values)
def test_a_record_with_something_else_in_it_is_no_study_and_no_crash(part: str, value: Any) -> None:
    study_traits({**study(trial("lora")), part: value})
