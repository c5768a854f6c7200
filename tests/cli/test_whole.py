"""The command line on a real study: what it leaves, how it is used, and stopped and resumed."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import headstart
from headstart.study.record import StudyRecord

pytestmark = pytest.mark.slow
HEADSTART = (sys.executable, "-m", "headstart.cli.main")
OPTIONS = ("--method", "probe", "--seeds", "2", "--budget", "2e11flop")


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*HEADSTART, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 short texts of 2 classes."""
    sides = {"sport": "goal match team league coach", "food": "soup bread oven recipe butter"}
    rows = ["text,label"]
    for label, words in sides.items():
        known = words.split()
        rows += [f"{known[n % 5]} {known[n // 5 % 5]} {n},{label}" for n in range(30)]
    path = tmp_path_factory.mktemp("data") / "tiny.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def study(data: Path) -> dict[str, Any]:
    """What ``adapt --json`` answers for it."""
    done = run("adapt", str(data), *OPTIONS, "--out", str(data.parent / "run"), "--json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def decided(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the part of an answer that does not depend on the clock."""
    record = StudyRecord.model_validate(answer["study"])
    return {
        "decision": record.decision.model_dump(),
        "scores": {t.key: t.model_dump()["scores"] for t in [*record.baselines, *record.trials]},
        "comparisons": [pair.model_dump() for pair in record.comparisons],
    }


def test_the_answer_is_what_lies_in_the_folder(study: dict[str, Any]) -> None:
    folder = Path(study["folder"])
    assert json.loads((folder / "study.json").read_text()) == study["study"]
    assert study["study"]["decision"]["headline"] in (folder / "report.html").read_text()
    assert (folder / "best").is_dir()
    assert (folder / "log.txt").stat().st_size > 0


def test_predictions_in_a_fresh_process_are_those_in_this_one(study: dict[str, Any]) -> None:
    texts = ["goal and match", "bread and soup", "team", "oven"]
    done = run("predict", study["folder"], "-", stdin="\n".join(texts))
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    model = headstart.load(study["folder"])
    assert [row["prediction"] for row in rows] == model.predict(texts)
    highest = model.predict_proba(texts).max(axis=1)
    assert [float(row["confidence"]) for row in rows] == pytest.approx(highest, abs=1e-4)


def test_a_report_that_was_deleted_is_written_again(study: dict[str, Any]) -> None:
    page = Path(study["folder"]) / "report.html"
    page.unlink()
    assert run("report", study["folder"]).returncode == 0
    assert study["study"]["decision"]["headline"] in page.read_text()


def test_an_existing_study_is_not_run_over(study: dict[str, Any], data: Path) -> None:
    before = (Path(study["folder"]) / "study.json").read_bytes()
    done = run("adapt", str(data), *OPTIONS, "--out", study["folder"])
    assert done.returncode == 2
    assert "--resume" in done.stderr
    assert (Path(study["folder"]) / "study.json").read_bytes() == before


def test_ctrl_c_and_resume_end_as_if_never_stopped(study: dict[str, Any], data: Path) -> None:
    out = data.parent / "stopped"
    command = ("adapt", str(data), *OPTIONS, "--out", str(out))
    process = subprocess.Popen(
        [*HEADSTART, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stderr is not None
    # Stopped where the work is: the line that an arm begins with has just been written.
    while (line := process.stderr.readline()) and not line.startswith("probe"):
        pass
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert f"headstart {' '.join(command)} --resume" in said
    assert "Traceback" not in said
    assert not (out / "study.json").exists()
    resumed = run(*command, "--resume", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert decided(json.loads(resumed.stdout)) == decided(study)
