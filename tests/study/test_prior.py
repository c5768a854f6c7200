"""What won on similar tasks is tried; what they do not know is tried whole."""

from __future__ import annotations

from typing import Any

import pytest

from headstart.ledger.rows import Outcome, SimilarTask
from headstart.study.prior import FEWEST, Prior

RATES = (1e-4, 1e-3, 1e-2)
SETTINGS: list[dict[str, Any]] = [{"rate": rate, "batch": 32} for rate in RATES]


def outcome(task: str, rate: float, method: str = "lora", metric: str = "accuracy") -> Outcome:
    return Outcome(
        task=task,
        metric=metric,
        method=method,
        base="made:r",
        base_revision="r",
        hyperparameters={"rate": rate},
        score=0.9,
        flop=1.0,
        seconds=1.0,
        steps=8,
        key=f"{task}-{method}",
        trials=3,
    )


def prior(*outcomes: Outcome) -> Prior:
    tasks = dict.fromkeys(found.task for found in outcomes)
    return Prior([SimilarTask(name, 0.5, f"task {name}", 100) for name in tasks], outcomes)


def kept(found: Prior, method: str = "lora") -> list[float]:
    return [setting["rate"] for setting in found.settings(method, "accuracy", SETTINGS)[0]]


def test_only_rates_that_won_on_similar_tasks_are_tried_and_it_is_said() -> None:
    found = prior(outcome("a", 1e-3), outcome("b", 1e-3), outcome("c", 1e-2))
    settings, sentence = found.settings("lora", "accuracy", SETTINGS)
    assert settings == SETTINGS[1:]
    assert sentence is not None
    assert "1e-03 and 1e-02" in sentence
    assert "task a, task b and task c" in sentence


@pytest.mark.parametrize(
    "found",
    [
        Prior(),
        prior(outcome("a", 1e-3)),  # one task is too few
        prior(outcome("a", 5e-1), outcome("b", 5e-1)),  # rates that are not tried here
        prior(outcome("a", 1e-3, "finetune"), outcome("b", 1e-3, "finetune")),
        prior(outcome("a", 1e-3, metric="macro_f1"), outcome("b", 1e-3, metric="macro_f1")),
    ],
)
def test_where_too_little_is_known_all_rates_are_tried(found: Prior) -> None:
    assert FEWEST == 2
    assert found.settings("lora", "accuracy", SETTINGS) == (SETTINGS, None)


def test_each_method_has_winners_of_its_own() -> None:
    found = prior(
        outcome("a", 1e-3), outcome("b", 1e-3),
        outcome("a", 1e-4, "finetune"), outcome("b", 1e-2, "finetune"),
    )  # fmt: skip
    assert kept(found) == [1e-3]
    assert kept(found, "finetune") == [1e-4, 1e-2]
