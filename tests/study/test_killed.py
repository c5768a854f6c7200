"""Kill -9, resume, two at once, twice: a study ends with the same numbers."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

import headstart

from .helpers import Runner, read_study, without_times

pytestmark = pytest.mark.slow
KILLS = 20


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
