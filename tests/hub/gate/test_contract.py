"""What holds for every registered check, and what each hostile file meets."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from headstart.hub.gate.checks import CHECKS
from headstart.hub.gate.model import Candidate, Finding
from headstart.hub.gate.reading import listing
from headstart.hub.gate.standard import Standard
from tests.hub.gate.hostile import FILES

Judge = Callable[..., Finding]


def put(folder: Path, name: str, data: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_passes_a_good_model(check: str, judge: Judge) -> None:
    finding = judge(check)
    assert finding.passed, finding.words
    assert finding.check == check == CHECKS.get(check).name
    assert finding.words.endswith(".")
    json.dumps(asdict(finding), allow_nan=False)


@pytest.mark.parametrize("case", FILES)
def test_a_hostile_file_is_refused_by_name_and_no_check_raises(
    case: str, model: Path, judge: Judge
) -> None:
    hostile = FILES[case]
    put(model, hostile.file, hostile.data)
    findings = {check: judge(check) for check in CHECKS}
    finding = findings[hostile.check]
    assert not finding.passed
    assert hostile.file in finding.words
    assert hostile.words in finding.words
    for found in findings.values():
        assert found.words.isprintable()
        assert len(found.words) < 4000
        json.dumps(asdict(found), allow_nan=False)


@pytest.mark.parametrize("check", CHECKS)
def test_no_check_raises_on_a_folder_that_is_empty_or_not_there(
    check: str, tmp_path: Path, standard: Standard
) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        CHECKS.get(check)()(Candidate(folder, "team/model", standard))


def test_an_empty_revision_is_refused(tmp_path: Path, standard: Standard) -> None:
    candidate = Candidate(tmp_path, "team/model", standard)
    assert not CHECKS.get("formats")()(candidate).passed


@pytest.mark.parametrize("check", CHECKS)
def test_links_pipes_and_odd_names_are_not_followed(check: str, model: Path, judge: Judge) -> None:
    (model / "vocab.txt").symlink_to("/etc/passwd")
    (model / "loop").symlink_to(model)
    os.mkfifo(model / "config_pipe.json")
    put(model, "new\nline.txt", b"x")
    put(model, "caf\u00e9.txt", b"x")
    finding = judge(check)
    assert finding.words.isprintable()
    if check == "formats":
        assert not finding.passed
        for words in ("vocab.txt: a link", "config_pipe.json: no regular file", "plain ASCII"):
            assert words in finding.words


def test_a_file_cut_off_anywhere_never_makes_a_check_raise(model: Path, judge: Judge) -> None:
    whole = {file.name: file.path.read_bytes() for file in listing(model).files}
    for name, data in whole.items():
        for length in {0, 1, 7, 8, 9, len(data) // 2, len(data) - 1}:
            put(model, name, data[:length])
            for check in CHECKS:
                judge(check)
        put(model, name, data)
