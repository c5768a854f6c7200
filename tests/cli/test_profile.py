"""``headstart profile``: expectations, comparison, evidence, for people and for machines."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from headstart.files import write_json
from headstart.study.record import StudyRecord

Run = Callable[..., Result]
MIDDLE = ("profile", "--role", "llm-engineer", "--level", "middle")


@pytest.fixture(autouse=True)
def _nothing_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADSTART_PROFILES", raising=False)


def test_it_shows_every_expectation_and_the_totals(headstart_cli: Run) -> None:
    result = headstart_cli("profile")
    assert result.exit_code == 0, result.output
    for part in (
        "2 roles · 5 levels · 10 expectations · 10 optional · 0 mandatory · as of 2026-02-22",
        "Explains pre-trained models, feature extraction and fine-tuning",
        "Principal",
        "LLM engineer",
    ):
        assert part in result.stdout


def test_a_place_gives_its_commands_and_what_is_not_shown_yet(headstart_cli: Run) -> None:
    shown = headstart_cli(*MIDDLE).stdout
    assert "headstart adapt tickets.jsonl --method lora --method qlora --method prompt" in shown
    assert "A study with QLoRA (not shown yet)" in shown


def test_studies_in_the_usual_folder_are_evidence(
    headstart_cli: Run, record: StudyRecord, tmp_path: Path
) -> None:
    plain = record.model_dump(mode="json")
    plain["task"]["kind"] = "instruction"
    plain["trials"][0]["method"] = "qlora"
    write_json(tmp_path / "headstart-runs" / "mine" / "study.json", plain)
    shown = headstart_cli(*MIDDLE).stdout
    assert "✓ A study with QLoRA (shown)" in shown
    assert "headstart-runs/mine" in shown


def test_a_comparison_says_what_is_added_and_what_deepens(headstart_cli: Run) -> None:
    found = json.loads(headstart_cli(*MIDDLE, "--compare", "lead", "--json").stdout)
    (comparison,) = found["comparisons"]
    assert comparison["after"] == {"role": "llm-engineer", "level": "lead"}
    changes = {one["strand"]: one["change"] for one in comparison["strands"]}
    assert changes["sharing"] == "added"
    assert changes["adaptation"] == "deeper"
    assert changes["foundations"] == "same"


def test_another_role_can_be_compared(headstart_cli: Run) -> None:
    shown = headstart_cli(*MIDDLE, "--compare", "middle", "--as", "data scientist").stdout
    assert "From LLM engineer, Middle to Data scientist, Middle" in shown


def test_without_a_role_every_role_is_compared(headstart_cli: Run) -> None:
    line = ("profile", "--level", "junior", "--compare", "senior", "--json")
    found = json.loads(headstart_cli(*line).stdout)
    assert len(found["comparisons"]) == len(found["expected"]) == 2


def test_machines_get_depths_that_grow(headstart_cli: Run) -> None:
    found = json.loads(headstart_cli("profile", "--json").stdout)
    assert found["totals"] == {
        "roles": 2, "levels": 5, "expectations": 10, "optional": 10, "mandatory": 0,
        "as_of": "2026-02-22",
    }  # fmt: skip
    for steps in found["growth"].values():
        totals = [step["total"] for step in steps]
        assert totals == sorted(set(totals))


def test_german_is_spoken(headstart_cli: Run) -> None:
    shown = headstart_cli(*MIDDLE, "--compare", "senior", "--language", "de").stdout
    for part in ("Passt LLMs mit LoRA", "Belege in dieser Installation", "noch nicht belegt"):
        assert part in shown


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--role chef", "data-scientist, llm-engineer"),
        ("--level midle", "did you mean 'middle'"),
        ("--compare senior", "give --level"),
        ("--level junior --as llm-engineer", "give --compare"),
        ("--language fr", "known: de, en"),
        ("--profile cooking", "known: transfer-learning"),
        ("--level junior --ledger ftp://x/y", "ftp"),
    ],
)
def test_a_wrong_request_ends_with_2_and_a_mend(headstart_cli: Run, line: str, said: str) -> None:
    result = headstart_cli("profile", *line.split())
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_a_ledger_that_is_not_there_is_not_made(
    headstart_cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_LEDGER", str(tmp_path / "ledger.sqlite3"))
    assert headstart_cli(*MIDDLE).exit_code == 0
    assert not (tmp_path / "ledger.sqlite3").exists()


def test_a_usual_ledger_that_cannot_be_read_is_told_and_the_rest_shown(
    headstart_cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "ledger.sqlite3"
    place.write_text("something else")
    monkeypatch.setenv("HEADSTART_LEDGER", str(place))
    result = headstart_cli(*MIDDLE)
    assert result.exit_code == 0, result.output
    assert "Not looked at: this is not a headstart ledger" in result.stdout
    assert headstart_cli(*MIDDLE, "--ledger", str(place)).exit_code == 2


def test_more_profiles_can_be_added(
    headstart_cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.org import library

    text = (Path(library.__file__).parent / "profiles" / "transfer-learning.yaml").read_text(
        "utf-8"
    )
    added = tmp_path / "profiles" / "more.yaml"
    added.parent.mkdir()
    added.write_text(text.replace("id: transfer-learning", "id: more"), "utf-8")
    monkeypatch.setenv("HEADSTART_PROFILES", str(added.parent))
    assert "Other profiles: more" in headstart_cli("profile").stdout
    assert headstart_cli("profile", "--profile", "more").exit_code == 0


def test_the_command_imports_no_library_of_training() -> None:
    code = (
        "import sys; sys.argv = ['headstart', 'profile', '--level', 'lead', '--json']\n"
        "from headstart.cli.main import run\n"
        "try: run()\nexcept SystemExit as end: assert not end.code\n"
        "heavy = ('torch', 'transformers', 'pandas', 'sklearn', 'sqlalchemy', 'scipy')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"
