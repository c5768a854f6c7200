"""Studies in folders are evidence; whatever else lies there is none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from headstart.files import write_json
from headstart.org import folders
from headstart.org.folders import FolderEvidence

from .helpers import study, trial

LORA = {"method": ["lora"]}


def leave(folder: Path, record: dict[str, Any], second: int = 1) -> None:
    path = folder / "study.json"
    write_json(path, record)
    os.utime(path, (second, second))


def test_studies_in_a_folder_are_found_the_newest_first(tmp_path: Path) -> None:
    leave(tmp_path / "old", study(trial("lora"), name="old"), 1_000)
    leave(tmp_path / "new", study(trial("lora"), name="new"), 2_000)
    leave(tmp_path / "other", study(trial("probe")), 3_000)
    found = FolderEvidence([tmp_path]).find("study", LORA)
    assert [proof.title.split(":")[0] for proof in found] == ["new", "old"]
    assert found[0].where == str(tmp_path / "new")
    assert found[0].when is not None
    assert found[0].when.timestamp() == 2_000


def test_the_folder_may_be_the_study_itself(tmp_path: Path) -> None:
    leave(tmp_path, study(trial("lora")))
    assert len(FolderEvidence([tmp_path]).find("study", LORA)) == 1


def test_other_kinds_are_not_known_here(tmp_path: Path) -> None:
    leave(tmp_path, study(trial("lora")))
    assert FolderEvidence([tmp_path]).find("model", {}) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"task": {}}', b"[" * 200_000, b"\xff\xfe", b'{"a": NaN}'],
)
def test_what_is_no_study_is_no_evidence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "study.json").write_bytes(content)
    leave(tmp_path / "good", study(trial("lora")))
    assert len(FolderEvidence([tmp_path]).find("study", {})) == 1


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(tmp_path, study(trial("lora")))
    monkeypatch.setattr(folders, "LIMIT_BYTES", 10)
    assert FolderEvidence([tmp_path]).find("study", {}) == []


def test_of_too_many_only_the_newest_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MOST", 2)
    for number in range(4):
        leave(tmp_path / str(number), study(trial("lora"), name=f"s{number}"), number + 1)
    found = FolderEvidence([tmp_path]).find("study", LORA)
    assert [proof.title.split(":")[0] for proof in found] == ["s3", "s2"]


def test_a_place_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert FolderEvidence([tmp_path / "none"]).find("study", {}) == []


def test_a_study_that_changed_is_read_again(tmp_path: Path) -> None:
    source = FolderEvidence([tmp_path])
    leave(tmp_path, study(trial("probe")), 1)
    assert source.find("study", LORA) == []
    leave(tmp_path, study(trial("lora")), 2)
    assert len(source.find("study", LORA)) == 1


def test_an_unchanged_study_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(tmp_path, study(trial("lora")))
    source = FolderEvidence([tmp_path])
    source.find("study", LORA)
    monkeypatch.setattr(json, "loads", lambda _: pytest.fail("read again"))
    assert len(source.find("study", LORA)) == 1
