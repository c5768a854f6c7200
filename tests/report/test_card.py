"""The model card: front matter that the Hub reads, and an honest page under it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import yaml

from headstart.report.card import model_card


def front(card: str) -> dict[str, Any]:
    return dict(yaml.safe_load(card.split("---\n")[1]))


def test_the_front_matter_names_task_tags_and_metric(factory: ModuleType) -> None:
    card = model_card(factory.study(), trial_key="probe-0", loading="`load()`")
    read = front(card)
    assert read["pipeline_tag"] == "text-classification"
    assert "headstart" in read["tags"]
    assert read["metrics"] == ["accuracy"]


def test_the_licence_is_the_bases(factory: ModuleType) -> None:
    record = factory.study()
    base = record.trials[0].base
    told = record.model_copy(update={"reproduce": {"licences": {base: "Apache-2.0"}}})
    assert front(model_card(told, trial_key="probe-0", loading=""))["license"] == "apache-2.0"
    told = record.model_copy(update={"reproduce": {}})
    assert front(model_card(told, trial_key="probe-0", loading=""))["license"] == "unknown"


def test_where_it_comes_from_is_told_to_machines(factory: ModuleType) -> None:
    record = factory.study()
    found = front(model_card(record, trial_key="probe-0", loading=""))["headstart"]
    trial = next(one for one in record.trials if one.key == "probe-0")
    assert found["base"] == trial.base
    assert found["base_revision"] == trial.base_revision
    assert found["data"]["fingerprint"] == record.task.fingerprint
    assert found["cost"]["flop"] == trial.cost.flop
    assert found["score"]["low"] < found["score"]["value"] < found["score"]["high"]


def test_a_base_of_the_hub_is_named_without_its_revision(factory: ModuleType) -> None:
    record = factory.study()
    trials = [t.model_copy(update={"base": "hf:org/name@abc"}) for t in record.trials]
    changed = record.model_copy(update={"trials": trials})
    card = model_card(changed, trial_key="probe-0", loading="")
    assert front(card)["base_model"] == "org/name"


def test_scores_choice_and_loading_are_told(factory: ModuleType) -> None:
    card = model_card(factory.study(), trial_key="probe-0", loading="use `load()` so")
    assert "78.3% [76.2, 80.4]" in card
    assert "Fine-tuning and LoRA are ties" in card
    assert "use `load()` so" in card


def test_hostile_names_break_neither_yaml_nor_markdown(factory: ModuleType) -> None:
    record, _ = factory.hostile()
    card = model_card(record, trial_key="probe-0", loading="")
    assert front(card)["pipeline_tag"] == "text-classification"
    assert "<script>" not in card


def test_a_hostile_base_reason_or_metric_opens_no_tag_and_adds_no_column(
    factory: ModuleType,
) -> None:
    record = factory.study()
    hostile = "local:<img src=x>|`[a](b)"
    reasons = [f"{hostile} is 2.1 points [0.4, 3.9] above"]
    update = {"reasons": reasons, "headline": hostile}
    strange = {"test": {"a|b": factory.score(0.5)}}
    trials = [t.model_copy(update={"base": hostile, "scores": strange}) for t in record.trials]
    arms = [arm.model_copy(update={"scores": strange}) for arm in record.arms]
    changed = record.model_copy(
        update={
            "decision": record.decision.model_copy(update=update),
            "trials": trials,
            "arms": arms,
        }
    )
    card = model_card(changed, trial_key="probe-0", loading="")
    assert "<img" not in card
    assert "](b)" not in card
    assert "2.1 points [0.4, 3.9]" in card
    table = [line for line in card.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table} == {4}


def test_the_calibration_error_is_named_in_words(factory: ModuleType) -> None:
    record = factory.study()
    scores = {"test": {"ece": factory.score(0.042)}}
    trials = [t.model_copy(update={"scores": scores}) for t in record.trials]
    arms = [arm.model_copy(update={"scores": scores}) for arm in record.arms]
    changed = record.model_copy(update={"trials": trials, "arms": arms})
    card = model_card(changed, trial_key="probe-0", loading="")
    assert "| expected calibration error | 4.2% [2.1, 6.3] |" in card
