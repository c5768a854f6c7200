"""The licence that a card states: the base's, or what the maker of a model without one names."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import yaml

from headstart.errors import RequestError
from headstart.report.card import model_card
from headstart.report.licence import check_licence, licensed


def front(card: str) -> dict[str, Any]:
    return dict(yaml.safe_load(card.split("---\n")[1]))


def test_what_was_trained_from_nothing_carries_what_its_maker_names(factory: ModuleType) -> None:
    card = model_card(factory.study(), trial_key="tfidf-0", loading="")
    assert front(card)["license"] == "unknown"
    assert "nobody named one" in card
    assert "the base's" not in card
    named = licensed(card, check_licence(" CC-BY-4.0 "))
    assert front(named) == {**front(card), "license": "cc-by-4.0"}
    assert "what its maker named" in named
    assert licensed(named, "cc-by-4.0") == named


def test_a_bases_licence_is_not_written_over(factory: ModuleType) -> None:
    record = factory.study()
    base = record.trials[0].base
    told = record.model_copy(update={"reproduce": {"licences": {base: "Apache-2.0"}}})
    card = model_card(told, trial_key="probe-0", loading="")
    with pytest.raises(RequestError, match=r"states the licence apache-2\.0, not mit"):
        licensed(card, "mit")


def test_a_card_that_states_none_gets_one() -> None:
    assert licensed("---\ntags: [x]\n---\n", "mit") == '---\nlicense: "mit"\ntags: [x]\n---\n'
    for card in ("# no front matter\n", "---\nlicense: mit\n", "", "x---\n---\n"):
        with pytest.raises(RequestError, match="no front matter"):
            licensed(card, "mit")


@pytest.mark.parametrize("text", ["unknown", "", "a b", "mit\nx: y", '"', "x" * 101, "../mit"])
def test_what_is_no_identifier_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="no licence's identifier"):
        check_licence(text)
