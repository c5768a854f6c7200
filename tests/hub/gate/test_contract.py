"""What holds for every registered check, and what each hostile file meets."""

from __future__ import annotations

import json
import os
import shutil
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
RUNNING = [name for name in CHECKS if getattr(CHECKS.get(name), "runs_model", False)]
STATIC = [name for name in CHECKS if name not in RUNNING]


def put(folder: Path, name: str, data: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_passes_a_good_model(check: str, whole: Candidate) -> None:
    finding = CHECKS.get(check)()(whole)
    assert finding.passed, finding.words
    assert finding.check == check == CHECKS.get(check).name
    assert finding.words.endswith(".")
    json.dumps(asdict(finding), allow_nan=False)


def _garbage(folder: Path) -> None:
    file = folder / "model.safetensors"
    put(folder, file.name, os.urandom(file.stat().st_size))


def _without(folder: Path, prefix: str) -> None:
    from safetensors.torch import load_file, save_file

    file = str(folder / "model.safetensors")
    left = {name: one for name, one in load_file(file).items() if not name.startswith(prefix)}
    save_file(left, file, {"format": "pt"})


SPOILT: dict[str, Callable[[Path], object]] = {
    "empty": lambda folder: [shutil.rmtree(folder), folder.mkdir()],
    "not there": shutil.rmtree,
    "garbage weights": _garbage,
    "half of the weights": lambda folder: os.truncate(folder / "model.safetensors", 4000),
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "no head": lambda folder: _without(folder, "classifier."),
    "no configuration": lambda folder: (folder / "config.json").unlink(),
    "no tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
    "no manifest": lambda folder: put(folder, "headstart.json", b"{}"),
}


@pytest.mark.parametrize("check", RUNNING)
def test_what_is_spoilt_passes_no_check_that_runs_the_model(check: str, whole: Candidate) -> None:
    good = whole.folder.with_name("good")
    whole.folder.rename(good)
    for name, spoil in SPOILT.items():
        shutil.copytree(good, whole.folder)
        spoil(whole.folder)
        finding = CHECKS.get(check)()(whole)
        assert not finding.passed, name
        assert finding.words.isprintable()
        assert str(whole.folder) not in finding.words
        shutil.rmtree(whole.folder, ignore_errors=True)


@pytest.mark.parametrize("case", FILES)
def test_a_hostile_file_is_refused_by_name_and_no_check_raises(
    case: str, model: Path, judge: Judge
) -> None:
    hostile = FILES[case]
    put(model, hostile.file, hostile.data)
    findings = {check: judge(check) for check in STATIC}
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
            for check in [*STATIC, "load"] if length else STATIC:
                judge(check)
        put(model, name, data)
