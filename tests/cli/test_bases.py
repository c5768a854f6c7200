"""``headstart bases``: cards for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType

import pytest
from typer.testing import Result

from headstart.base.model import BaseCard
from headstart.errors import RequestError
from headstart.rank.agree import Agreement
from headstart.rank.combine import Ranked, Ranking
from headstart.study.ranking import RankedBases
from headstart.task.model import Modality

Run = Callable[..., Result]
RANKED = RankedBases(
    Ranking(
        bases=(
            Ranked("one", {"probe": 0.9}, 1.0, True, 0.01),
            Ranked("two", {"probe": 0.88}, 0.0, True, 0.01),
        ),
        weights={"probe": 2.0},
        judged_by="probe",
        agreement=Agreement(1.0, {}, {"probe": "one"}, "the scores agree"),
    ),
    rows=1000,
    refused={"leep": "no head"},
    seconds={"one": 1.5, "two": 2.5},
    flop={"one": 1e9, "two": 2e9},
)
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


def test_rank_shows_the_order_its_scores_and_who_is_tied(
    headstart_cli: Run, api: ModuleType
) -> None:
    asked: dict[str, object] = {}

    def rank_bases(data: str, **options: object) -> RankedBases:
        asked.update(options, data=data)
        return RANKED

    api.rank_bases = rank_bases  # type: ignore[attr-defined]
    result = headstart_cli("bases", "rank", "x.csv", "--base", "one", "--base", "two")
    assert result.exit_code == 0, result.output
    assert (asked["data"], asked["base"]) == ("x.csv", ["one", "two"])
    lines = result.stdout.splitlines()
    first = next(line for line in lines if "one" in line)
    second = next(line for line in lines if "two" in line)
    assert lines.index(first) < lines.index(second)
    assert "0.900" in first
    assert "tie with the first" not in first
    assert "tie with the first" in second
    assert "The scores agree." in result.stdout
    assert "leep: not counted, no head" in result.stdout


def test_rank_as_json_has_all_that_was_found(headstart_cli: Run, api: ModuleType) -> None:
    api.rank_bases = lambda data, **options: RANKED  # type: ignore[attr-defined]
    found = json.loads(headstart_cli("bases", "rank", "x.csv", "--json").stdout)
    assert [base["base"] for base in found["bases"]] == ["one", "two"]
    assert found["bases"][0]["scores"] == {"probe": 0.9}
    assert found["refused"] == {"leep": "no head"}
    assert found["rows"] == 1000
