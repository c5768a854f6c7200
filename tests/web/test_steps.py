"""What a card tells of a step: headstart's own in full, in two languages; others as they are."""

from __future__ import annotations

import pytest

from headstart.web.steps import facts_in
from headstart.web.words import words_in

OWN = {
    "base": "hub:language/minilm@approved", "method": "lora", "trial": "0123456789abcdef0123",
    "seed": 0, "data": {"name": "emojis", "fingerprint": "f" * 64},
    "cost": {"seconds": 97.04, "flop": 4.1e13},
    "score": {"metric": "accuracy", "value": 0.7919, "low": 0.77, "high": 0.813},
    "forgotten": [
        {"suite": "sts", "metric": "spearman", "value": 0.061, "low": 0.04, "high": 0.08}
    ],
}  # fmt: skip


def test_a_card_of_headstarts_own_is_told_in_full() -> None:
    assert facts_in({"headstart": OWN}, words_in("en")) == {
        "method": "lora",
        "data": "emojis (ffffffffffff)",
        "study": "trial 0123456789abcdef, seed 0",
        "cost": "1.6 min, 4.1e+13 FLOP",
        "score": "accuracy 0.7919 [0.77, 0.813]",
        "forgetting": "sts: 6.1 [4, 8] %",
    }


def test_figures_are_written_as_the_language_writes_them() -> None:
    facts = facts_in({"headstart": {**OWN, "forgotten": []}}, words_in("de"))
    assert facts["score"] == "accuracy 0,7919 [0,77; 0,813]"
    assert facts["forgetting"] == "nicht gemessen"


@pytest.mark.parametrize(
    ("card", "told"),
    [
        ({}, {}),
        ({"headstart": "no", "datasets": ["x", "y"]}, {"data": "x, y"}),
        ({"headstart": {"cost": {"seconds": 3}, "study": None}}, {"cost": "3 s"}),
        ({"headstart": {"cost": {"euros": "many"}}}, {"cost": "euros: many"}),
        ({"headstart": {"score": {"value": True, "low": 1, "high": 2}}},
         {"score": "value: True, low: 1, high: 2"}),
        ({"headstart": {"score": {"value": 10**400, "low": 1, "high": 2}}}, None),
        ({"headstart": {"forgotten": [3, {"a": "b"}]}}, {"forgetting": "3; a: b"}),
        ({"headstart": {"forgotten": "little"}}, {"forgetting": "little"}),
    ],
)  # fmt: skip
def test_other_cards_are_read_with_care(card: dict[str, object], told: object) -> None:
    found = facts_in(card, words_in("en"))
    assert found == told if told is not None else found["score"].startswith("value: 1000")
