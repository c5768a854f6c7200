"""``headstart bases``: cards for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType

import pytest
from typer.testing import Result

from headstart.base.model import BaseCard
from headstart.errors import RequestError
from headstart.task.model import Modality

Run = Callable[..., Result]
CARD = BaseCard(
    reference="bundled:minilm-l6",
    revision="abc",
    modality=Modality.TEXT,
    architecture="BERT",
    parameters=22_713_216,
    width=384,
    input_size=256,
    licence="Apache-2.0",
    source="package",
)


@pytest.fixture(autouse=True)
def _one_base(api: ModuleType) -> None:
    def card(reference: str) -> BaseCard:
        if reference != CARD.reference:
            raise RequestError(f"unknown base '{reference}'", mend="known: bundled:minilm-l6")
        return CARD

    api.bases = lambda: [CARD]  # type: ignore[attr-defined]
    api.base_card = card  # type: ignore[attr-defined]
    api.base_speed = lambda reference: 1234.5  # type: ignore[attr-defined]


def test_list_names_every_base(headstart_cli: Run) -> None:
    shown = headstart_cli("bases", "list").stdout
    assert "bundled:minilm-l6" in shown
    assert "22.7 M" in shown


def test_list_as_json_gives_the_whole_card(headstart_cli: Run) -> None:
    (card,) = json.loads(headstart_cli("bases", "list", "--json").stdout)
    assert card["parameters"] == 22_713_216
    assert card["modality"] == "text"
    assert card["pretrained"] is True


def test_show_tells_licence_source_and_speed_here(headstart_cli: Run) -> None:
    shown = headstart_cli("bases", "show", "bundled:minilm-l6").stdout
    for part in ("Apache-2.0", "package", "384", "256 tokens", "22,713,216", "1,234 samples/s"):
        assert part in shown
    answer = json.loads(headstart_cli("bases", "show", "bundled:minilm-l6", "--json").stdout)
    assert answer["samples_per_second"] == 1234.5


def test_an_unknown_base_is_a_wrong_request(headstart_cli: Run) -> None:
    result = headstart_cli("bases", "show", "bundled:minilm")
    assert result.exit_code == 2
    assert "known: bundled:minilm-l6" in result.stderr
