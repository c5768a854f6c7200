"""A trial that the ledger knows is not paid for again, and gives the same study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headstart
from headstart.errors import RequestError, WorkError
from headstart.ledger.ledger import Ledger
from headstart.method.gradient import GradientMethod
from headstart.method.model import METHODS
from headstart.study.memory import Memory
from headstart.study.trial import Context, Trial, run_trial

from .helpers import context_of, made_arm, read_study, text_task, without_times, wrong_at


def context_with(folder: Path, ledger: Path) -> Context:
    context = context_of(folder, text_task())
    memory = Memory.opened(str(ledger), context.task, context.metric, context.progress)
    return Context(context.task, context.metric, 1, context.store, context.progress, memory=memory)


def test_a_known_trial_comes_back_with_its_predictions(tmp_path: Path) -> None:
    first = context_with(tmp_path / "a", tmp_path / "ledger.db")
    trial = Trial(METHODS.get("majority")(), None, {}, 0)
    paid = run_trial(first, trial, final=True)
    second = context_with(tmp_path / "b", tmp_path / "ledger.db")
    again = run_trial(second, trial, final=True)
    assert again == paid
    for part in ("validation", "test"):
        np.testing.assert_array_equal(
            second.store.predictions(paid.key, part), first.store.predictions(paid.key, part)
        )
    assert second.memory is not None
    assert [t.key for t in second.memory.reused] == [paid.key]


def test_a_search_run_is_not_shown_the_test_rows_that_the_ledger_knows(tmp_path: Path) -> None:
    first = context_with(tmp_path / "a", tmp_path / "ledger.db")
    trial = Trial(METHODS.get("majority")(), None, {}, 0)
    run_trial(first, trial, final=True)
    second = context_with(tmp_path / "b", tmp_path / "ledger.db")
    found = run_trial(second, trial, final=False)
    assert (found.status, set(found.scores)) == ("done", {"validation"})
    assert second.store.try_predictions(found.key, "test") is None
    assert run_trial(second, trial, final=True).status == "finalist"


def test_failures_are_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise ValueError("the cause")

    method = METHODS.get("majority")
    context = context_with(tmp_path / "a", tmp_path / "ledger.db")
    with monkeypatch.context() as broken:
        broken.setattr(method, "fit", refuse)
        assert run_trial(context, Trial(method(), None, {}, 0), final=True).status == "failed"
    other = context_with(tmp_path / "b", tmp_path / "ledger.db")
    assert run_trial(other, Trial(method(), None, {}, 0), final=True).status == "finalist"


def test_a_ledger_that_fails_meanwhile_stops_nothing(tmp_path: Path) -> None:
    class Broken(Ledger):
        def trial(self, key: str) -> Any:
            raise WorkError("the server is gone")

    context = context_with(tmp_path / "a", tmp_path / "ledger.db")
    assert context.memory is not None
    assert context.memory.ledger is not None
    context.memory.ledger.__class__ = Broken
    made_arm(context, "majority", 0.0, [wrong_at(200)])
    assert run_trial(context, Trial(METHODS.get("majority")(), None, {}, 7), final=True).scores
    assert context.memory.ledger is None


@pytest.mark.slow
def test_the_same_study_with_a_ledger_is_the_same_and_trains_nothing_again(
    tmp_path: Path,
    tiny_csv: Path,
    options: dict[str, Any],
    study: headstart.Study,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = tmp_path / "ledger.db"
    first = headstart.adapt(tiny_csv, **options, ledger=ledger, out=tmp_path / "first")
    undisturbed = without_times(read_study(study.folder))
    assert without_times(read_study(first.folder)) == undisturbed

    def refuse(*_: Any) -> Any:
        raise AssertionError("trained again")

    fitted = GradientMethod.fit
    allowed = json.loads((first.folder / "study.json").read_text())["decision"]["key"]

    def only_delivered(self: GradientMethod, setting: Any) -> Any:
        assert "curve" not in str(setting.folder)
        assert allowed in str(setting.folder), "trained again"
        return fitted(self, setting)

    monkeypatch.setattr(GradientMethod, "fit", only_delivered)
    second = headstart.adapt(tiny_csv, **options, ledger=ledger, out=tmp_path / "second")
    assert without_times(read_study(second.folder)) == undisturbed
    evidence = json.loads((second.folder / "evidence.json").read_text())
    assert evidence["reused"]["trials"] == len(
        {t.key for t in [*second.record.baselines, *second.record.trials]}
    )
    assert evidence["reused"]["seconds"] > 0
    assert second.best.predict(["goal match team"]) == first.best.predict(["goal match team"])


def test_a_ledger_that_is_none_is_refused_before_anything_is_trained(
    tmp_path: Path, tiny_csv: Path, options: dict[str, Any]
) -> None:
    wrong = tmp_path / "notes.txt"
    wrong.write_text("not a database, " * 100)
    with pytest.raises(RequestError, match="ledger"):
        headstart.adapt(tiny_csv, **options, ledger=wrong, out=tmp_path / "out")
    assert wrong.read_text() == "not a database, " * 100
