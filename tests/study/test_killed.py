"""Kill -9, resume, two at once, twice: a study ends with the same numbers."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

import headstart

from ..speakers import write_base as speaking_base
from .helpers import Runner, read_study, without_times

pytestmark = pytest.mark.slow
KILLS = 20
SPEAKING_KILLS = 3  # each within a training step, whose predecessors are all on disk


@pytest.fixture
def asked(tiny_csv: Path, options: dict[str, Any], place: Path) -> dict[str, Any]:
    return {**options, "data": str(tiny_csv), "cache": str(place / "cache")}


def test_killed_at_random_moments_and_resumed_it_ends_as_if_never_killed(
    study: headstart.Study, runner: Runner, asked: dict[str, Any], tmp_path: Path
) -> None:
    expected = without_times(read_study(study.folder))
    began = time.monotonic()
    assert runner.run({**asked, "out": str(tmp_path / "timed")}) == ["done"]
    whole = time.monotonic() - began
    moments, kills, finished = random.Random(7), 0, 0
    while kills < KILLS or not finished:
        out = tmp_path / f"killed-{finished}"
        # A resumed study goes on where it was: short lives reach its end too.
        delay = moments.uniform(0.0, 0.6 * whole) if kills < KILLS else None
        (end,) = runner.run({**asked, "out": str(out), "resume": True}, kill_after=delay)
        assert end in ("killed", "done")
        kills += end == "killed"
        if end == "done":
            assert without_times(read_study(out)) == expected
            assert sorted(p.name for p in out.iterdir()) == sorted(
                p.name for p in study.folder.iterdir()
            )
            finished += 1


def test_a_language_model_killed_within_its_runs_ends_as_if_never_killed(
    runner: Runner, place: Path, tmp_path: Path
) -> None:
    words = ["fox", "dog", "best", "worst", "times", "lazy", "1", "2", "3"]
    rows = [{"text": f"{a} {b} {b} {a} {b}"} for a in words for b in words if a != b]
    data = tmp_path / "data.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    asked = {
        "data": str(data), "task": "language-modeling", "base": speaking_base(tmp_path / "base"),
        "method": ["lora", "finetune", "prompt"], "budget": "2e10flop", "seeds": 1,
        "retain": "none", "cache": str(place / "cache"),
    }  # fmt: skip
    assert runner.run({**asked, "out": str(tmp_path / "whole")}) == ["done"]
    mortal = {**asked, "out": str(tmp_path / "killed"), "resume": True}
    lives = random.Random(3)
    for _ in range(SPEAKING_KILLS):
        assert runner.run({**mortal, "die_after": lives.randint(5, 60)}) == ["killed"]
    assert runner.run(mortal) == ["done"]
    whole, killed = (without_times(read_study(tmp_path / name)) for name in ("whole", "killed"))
    trained = {trial["method"] for trial in whole["trials"] if trial["status"] == "finalist"}
    assert trained >= {"lora", "finetune", "prompt"}
    assert killed == whole


def test_killed_while_the_cache_fills_it_ends_with_the_same_numbers(
    study: headstart.Study,
    runner: Runner,
    asked: dict[str, Any],
    tmp_path: Path,
) -> None:
    expected = without_times(read_study(study.folder))
    out = tmp_path / "again"
    own = {**asked, "out": str(out), "resume": True, "cache": str(tmp_path / "own")}
    for delay in (0.3, 0.6, 0.9, 1.2):
        runner.run(own, kill_after=delay)
    end = runner.run(own)
    assert end == ["done"]
    assert without_times(read_study(out)) == expected


def test_two_studies_at_once_on_one_cache_end_as_apart(
    study: headstart.Study, runner: Runner, asked: dict[str, Any], tmp_path: Path
) -> None:
    both = {**asked, "cache": str(tmp_path / "fresh")}
    outs = [tmp_path / "one", tmp_path / "two"]
    assert runner.run(*({**both, "out": str(out)} for out in outs)) == ["done", "done"]
    expected = without_times(read_study(study.folder))
    assert [without_times(read_study(out)) for out in outs] == [expected, expected]


def test_two_studies_at_once_in_one_folder_are_one_study_and_one_refusal(
    study: headstart.Study, runner: Runner, asked: dict[str, Any], tmp_path: Path
) -> None:
    same = {**asked, "out": str(tmp_path / "same"), "resume": True}
    ends = sorted(runner.run(same, same))
    assert ends[1] == "done"
    assert ends[0].startswith("RequestError: another headstart is at work in this folder")
    assert without_times(read_study(tmp_path / "same")) == without_times(read_study(study.folder))


def test_the_same_command_twice_gives_the_same_study_but_for_times(
    study: headstart.Study, tiny_csv: Path, options: dict[str, Any], tmp_path: Path
) -> None:
    again = headstart.adapt(tiny_csv, **options, out=tmp_path / "again")
    assert without_times(read_study(again.folder)) == without_times(read_study(study.folder))
    for name in ("evidence.json", "request.json"):
        found, before = (json.loads((s.folder / name).read_text()) for s in (again, study))
        for one in (found, before):
            one.pop("prices", None)  # times
        assert found == before
