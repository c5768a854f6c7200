"""The study's folder: what is refused, what is resumed, and that nothing half-written stays."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart import files
from headstart.errors import RequestError, UnwritableError
from headstart.study.store import Store, opened
from headstart.study.trial import Trial, failed, run_trial

from .helpers import context_of, made_arm, text_task, wrong_at

ASKED: dict[str, Any] = {"fingerprint": "f", "seeds": 3, "bases": ["local:x"], "metric": None}


def tree(folder: Path) -> dict[str, bytes]:
    found = sorted(folder.rglob("*"))
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in found}


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    before = tree(tmp_path)
    for resume, what in ((False, "not empty"), (True, "no study to resume")):
        with pytest.raises(RequestError, match=what), opened(tmp_path, ASKED, resume):
            pass
    assert tree(tmp_path) == before


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(RequestError, match="is a file"), opened(tmp_path / "out", ASKED, False):
        pass
    with pytest.raises(UnwritableError), opened(tmp_path / "out" / "in", ASKED, False):
        pass
    assert tree(tmp_path) == {"out": b"a file"}


@pytest.mark.parametrize(
    ("change", "named"),
    [({"fingerprint": "g"}, "the data"), ({"seeds": 5, "bases": []}, "--base, --seeds")],
)
def test_resumed_with_something_else_names_what_differs(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    with opened(tmp_path / "out", ASKED, False):
        pass
    before = tree(tmp_path)
    with pytest.raises(RequestError) as caught, opened(tmp_path / "out", {**ASKED, **change}, True):
        pass
    assert caught.value.what == f"the study there was asked for differently ({named})"
    assert tree(tmp_path) == before


def test_a_folder_in_use_is_refused_and_the_user_of_it_undisturbed(tmp_path: Path) -> None:
    with opened(tmp_path / "out", ASKED, False) as store:
        with (
            pytest.raises(RequestError, match="another headstart is at work"),
            opened(tmp_path / "out", ASKED, True),
        ):
            pass
        store.write_note("still", "here")
    assert Store(tmp_path / "out").read_note("still") == "here"
    with opened(tmp_path / "out", ASKED, True):
        pass


@pytest.mark.parametrize("there", [True, False])
def test_a_refusal_before_the_first_trial_leaves_the_place_as_it_was(
    tmp_path: Path, there: bool
) -> None:
    out = tmp_path / "out"
    if there:
        out.mkdir()

    def study() -> None:
        with opened(out, ASKED, False) as store:
            store.write_note("speed", 1)
            raise RequestError("bad base")

    with pytest.raises(RequestError, match="bad base"):
        study()
    assert out.is_dir() is there
    assert tree(tmp_path) == ({"out": b""} if there else {})


def test_a_refusal_after_the_first_trial_keeps_it(tmp_path: Path) -> None:
    def study() -> None:
        with opened(tmp_path / "out", ASKED, False) as store:
            (store.trials / "k.json").write_text("{}")
            raise RequestError("late")

    with pytest.raises(RequestError, match="late"):
        study()
    assert (tmp_path / "out" / "trials" / "k.json").exists()


def test_a_full_disk_is_an_error_that_names_the_place_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with (
        pytest.raises(UnwritableError, match="No space left") as caught,
        opened(tmp_path / "out", ASKED, False),
    ):
        pass
    assert caught.value.exit_code == 2
    assert "out" in str(caught.value.where)
    assert tree(tmp_path) == {}


def test_a_full_disk_ends_a_study_rather_than_count_as_a_failed_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(tmp_path, text_task())
    arm = made_arm(context, "majority", 0.0, [])

    def full(*_: Any) -> Any:
        raise UnwritableError("cannot write: No space left on device")

    monkeypatch.setattr(type(arm.method), "fit", full)
    with pytest.raises(UnwritableError):
        run_trial(context, Trial(arm.method, None, {}, 0), final=True)


def test_what_a_killed_process_was_writing_is_swept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with opened(out, ASKED, False):
        pass
    (out / ".study.json.a1b2").write_text('{"version"')
    (out / ".best.c3d4").mkdir()
    (out / "trials" / ".k.npz.e5f6").write_bytes(b"PK")
    with opened(out, ASKED, True):
        pass
    assert sorted(tree(out)) == ["request.json", "trials", "work", "work/lock"]


def test_killed_while_the_request_was_written_it_can_be_resumed(tmp_path: Path) -> None:
    (tmp_path / "out" / "trials").mkdir(parents=True)
    (tmp_path / "out" / ".request.json.x1").write_text("{")
    with opened(tmp_path / "out", ASKED, True) as store:
        assert [p.name for p in store.folder.glob(".*")] == []


def test_predictions_come_back_as_they_were_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.trials.mkdir()
    tags = [np.array([1, 2], dtype=np.int64), np.array([], dtype=np.int64), np.array([0])]
    store.write_predictions("k", {"test": tags, "validation": np.eye(3)})
    found = store.predictions("k", "test")
    assert [list(item) for item in found] == [[1, 2], [], [0]]
    np.testing.assert_array_equal(store.predictions("k", "validation"), np.eye(3))
    (tmp_path / "trials" / "k.npz").write_bytes(b"PK\x03\x04 torn")
    assert store.try_predictions("k", "test") is None


def test_a_failed_trial_is_tried_again_when_a_study_is_resumed(tmp_path: Path) -> None:
    context = context_of(tmp_path, text_task())
    arm = made_arm(context, "majority", 0.0, [])
    trial = Trial(arm.method, None, {}, 0)
    key = trial.key(context.task, context.metric)
    context.store.write_trial(failed(trial, key, ValueError("the cause")), {})
    assert run_trial(context, trial, final=True).status == "finalist"


def test_a_search_run_that_is_wanted_as_a_finalist_reads_the_test_rows(tmp_path: Path) -> None:
    context = context_of(tmp_path, text_task())
    trial = Trial(made_arm(context, "majority", 0.0, []).method, None, {}, 0)
    first = run_trial(context, trial, final=False)
    assert (first.status, set(first.scores)) == ("done", {"validation"})
    final = run_trial(context, trial, final=True)
    assert (final.key, final.status, set(final.scores)) == (
        first.key, "finalist", {"validation", "test"},
    )  # fmt: skip
    again = run_trial(context, trial, final=False)  # as the search run that it was
    assert (again.key, again.status, again.scores) == (first.key, first.status, first.scores)


def test_trials_have_other_keys_wherever_their_numbers_may_differ(tmp_path: Path) -> None:
    task = text_task()
    context = context_of(tmp_path, task)
    method = made_arm(context, "majority", 0.0, [wrong_at(200)]).method
    trials = [
        Trial(method, None, {}, 0),
        Trial(method, None, {}, 1),
        Trial(method, None, {"a": 1}, 0),
    ]
    keys = {trial.key(task, metric) for trial in trials for metric in ("accuracy", "macro_f1")}
    assert len(keys) == 6
