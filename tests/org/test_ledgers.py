"""The ledger's studies and trials are evidence; a study that also lies in a folder counts once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headstart.files import write_json
from headstart.ledger.ledger import Ledger
from headstart.ledger.rows import TaskEntry, TrialEntry
from headstart.org import ledgers
from headstart.org.folders import FolderEvidence
from headstart.org.ledgers import FRESH_SECONDS, LedgerEvidence, has_ledger
from headstart.org.profile import Expectation
from headstart.org.proof import evidence_for

from .helpers import both, profile, study, trial

TASK = TaskEntry("fp-reviews", "reviews", "classification", "text", "accuracy", 10, 2)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger.sqlite3", writer=("host", "ada")) as opened:
        opened.add_task(TASK)
        yield opened


def add(ledger: Ledger, record: dict[str, Any]) -> None:
    ledger.add_study(TASK.fingerprint, record, flop=1.0, seconds=1.0)


def add_trial(ledger: Ledger, key: str, method: str, task: str = TASK.fingerprint) -> None:
    ledger.add_trial(
        TrialEntry(
            key, task, None, None, method, {}, 0, None, "done", 0.5, "accuracy", 1.0, 1.0, {}
        )
    )


def asking(kind: str, filters: dict[str, str], least: int = 1) -> Expectation:
    plain = profile({("chef", "first"): ["knives"]}).model_dump(mode="json")["expectations"][0]
    piece = {"text": both("x"), "kind": kind, "filters": filters, "least": least}
    return Expectation.model_validate({**plain, "evidence": [piece]})


def test_studies_are_found_by_what_they_did(ledger: Ledger) -> None:
    add(ledger, study(trial("lora")))
    add(ledger, study(trial("probe")))
    (found,) = LedgerEvidence(ledger).find("study", {"method": ["lora"]})
    assert found.title.startswith("reviews: lora")
    assert found.where.startswith("ledger, study ")
    assert found.when is not None


def test_trials_are_evidence_even_of_a_study_that_never_ended(ledger: Ledger) -> None:
    add_trial(ledger, "k1", "lora")
    add_trial(ledger, "k2", "lora")
    source = LedgerEvidence(ledger)
    (found,) = source.find("trial", {"method": ["lora"], "modality": ["text"]})
    assert found.title == "reviews: lora (2)"
    assert source.find("trial", {"method": ["qlora"]}) == []


def test_the_ledger_itself_shows_whether_it_is_shared(ledger: Ledger, tmp_path: Path) -> None:
    several = {"writers": ["several"], "tasks": ["several"]}
    clock = Clock()
    source = LedgerEvidence(ledger, clock)
    add_trial(ledger, "k1", "lora")
    assert source.find("ledger", several) == []
    with Ledger.open(tmp_path / "ledger.sqlite3", writer=("host", "bob")) as other:
        other.add_task(TaskEntry("fp-2", "mails", "classification", "text", "accuracy", 10, 2))
        add_trial(other, "k2", "lora", "fp-2")
    clock.now += FRESH_SECONDS
    (found,) = source.find("ledger", several)
    assert found.title == "ledger (trials: 2, tasks: 2, users: 2)"


def test_an_empty_ledger_shows_nothing(ledger: Ledger) -> None:
    source = LedgerEvidence(ledger)
    assert [source.find(kind, {}) for kind in ("study", "trial", "ledger", "model")] == [[]] * 4


def test_a_page_of_questions_reads_once_and_a_record_is_never_read_twice(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    read = Ledger.study_records
    monkeypatch.setattr(
        Ledger, "study_records", lambda self, ids: asked.append(list(ids)) or read(self, ids)
    )
    monkeypatch.setattr(ledgers, "AT_ONCE", 2)
    for method in ("lora", "probe", "finetune"):
        add(ledger, study(trial(method)))
    clock = Clock()
    source = LedgerEvidence(ledger, clock)
    assert len(source.find("study", {})) == 3
    source.find("study", {})
    assert [len(ids) for ids in asked] == [2, 1]
    add(ledger, study(trial("partial")))
    assert len(source.find("study", {})) == 3
    clock.now += FRESH_SECONDS
    assert len(source.find("study", {})) == 4
    assert [len(ids) for ids in asked] == [2, 1, 1]


def test_a_record_that_is_no_study_is_passed_over(ledger: Ledger) -> None:
    add(ledger, {"not": "a study"})
    add(ledger, study(trial("lora")))
    assert len(LedgerEvidence(ledger).find("study", {})) == 1


def test_a_study_in_ledger_and_folder_counts_once(ledger: Ledger, tmp_path: Path) -> None:
    record = study(trial("lora"))
    add(ledger, record)
    write_json(tmp_path / "runs" / "one" / "study.json", record)
    sources = [FolderEvidence([tmp_path / "runs"]), LedgerEvidence(ledger)]
    (shown,) = evidence_for(asking("study", {"method": "lora"}, least=2), sources)
    assert len(shown.proofs) == 1
    assert not shown.met
    (shown,) = evidence_for(asking("study", {"method": "lora"}), sources)
    assert shown.met


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    file = tmp_path / "none.sqlite3"
    assert not has_ledger(str(file))
    assert not has_ledger(f"sqlite:///{file}")
    file.touch()
    assert has_ledger(str(file))
    assert has_ledger(f"sqlite:///{file}")
    assert has_ledger("postgresql://host/database")
