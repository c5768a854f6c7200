"""Whole studies from Python: what they leave, what is refused before anything is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import headstart
from headstart.errors import RequestError, WorkError
from headstart.method.model import METHODS
from headstart.method.probe import Probe
from headstart.study.evidence import Evidence
from headstart.study.record import StudyRecord

from .study.conftest import *  # noqa: F403 (the fixtures of studies)
from .study.helpers import WORDS, read_study


@pytest.mark.slow
def test_a_study_leaves_a_whole_record_evidence_report_card_and_model(
    study: headstart.Study,
) -> None:
    text = (study.folder / "study.json").read_text(encoding="utf-8")
    assert StudyRecord.model_validate_json(text) == study.record
    evidence = Evidence.model_validate_json((study.folder / "evidence.json").read_text())
    assert sum(map(sum, evidence.confusion)) == study.record.task.rows["test"]
    assert study.record.decision.headline.split(":")[0] in study.report().read_text()
    assert (study.folder / "best" / "README.md").read_text().startswith("---")
    assert sorted(entry.name for entry in study.folder.iterdir()) == [
        "best", "evidence.json", "log.txt", "report.html", "request.json", "study.json", "trials",
    ]  # fmt: skip


@pytest.mark.slow
def test_every_arm_is_there_with_its_controls_seeds_and_sums(study: headstart.Study) -> None:
    record = study.record
    assert {t.method for t in record.baselines} == {"majority", "tfidf", "scratch"}
    assert {t.method for t in record.trials} == {"probe", "finetune"}
    arms = {arm.method: arm for arm in record.arms}
    assert len(arms) == 5
    by_key = {t.key: t for t in [*record.baselines, *record.trials]}
    assert len(by_key) == len(record.baselines) + len(record.trials)  # no key is paid for twice
    for method, arm in arms.items():
        runs = [by_key[key] for key in arm.keys]
        assert [t.seed for t in runs] == ([0, 1] if method in ("finetune", "scratch") else [0])
        for part in ("validation", "test"):
            mean = np.mean([t.scores[part]["accuracy"].value for t in runs])
            assert arm.scores[part]["accuracy"].value == pytest.approx(mean, abs=1e-5)
    assert "test" not in {part for t in by_key.values() if t.status == "done" for part in t.scores}
    assert record.decision.key in by_key


@pytest.mark.slow
def test_the_delivered_model_answers_the_same_in_a_fresh_process(study: headstart.Study) -> None:
    texts = ["goal match team", "bread soup oven", "bank loan"]
    code = (
        "import json, sys, headstart\n"
        "model = headstart.load(sys.argv[1])\n"
        "texts = json.loads(sys.argv[2])\n"
        "print(json.dumps([model.predict(texts), model.predict_proba(texts).tolist()]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(study.folder), json.dumps(texts)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    answers, shares = json.loads(done.stdout.splitlines()[-1])
    assert answers == study.best.predict(texts)
    np.testing.assert_allclose(shares, study.best.predict_proba(texts), atol=1e-6)


@pytest.mark.slow
def test_resumed_after_its_end_a_study_is_what_it_was(
    study: headstart.Study, tiny_csv: Path, options: dict[str, Any]
) -> None:
    before = {p: p.read_bytes() for p in (study.folder / "best").rglob("*") if p.is_file()}
    again = headstart.adapt(tiny_csv, **options, out=study.folder, resume=True)
    assert again.record == study.record
    assert {p: p.read_bytes() for p in before} == before
    assert not (study.folder / "work").exists()


@pytest.mark.slow
def test_an_existing_study_is_not_run_over_nor_resumed_as_another(
    study: headstart.Study, tiny_csv: Path, options: dict[str, Any]
) -> None:
    before = (study.folder / "study.json").read_bytes()
    for more, what in (
        ({}, "not empty"),
        ({"resume": True, "labels_per_class": 5}, "the data"),
        ({"resume": True, "metric": "macro_f1"}, "--metric"),
    ):
        with pytest.raises(RequestError, match=what):
            headstart.adapt(tiny_csv, **options, out=study.folder, **more)
    assert (study.folder / "study.json").read_bytes() == before


def asked(base: str, **more: Any) -> dict[str, Any]:
    """Return the options of a study that trains no steps."""
    return {"base": base, "method": ["probe"], "budget": "1e7flop", "seeds": 1, **more}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"base": "bundled:minilm-l7"}, "did you mean 'minilm-l6'"),
        ({"base": "lokal:x"}, "local"),
        ({"base": "local:/no/such/folder"}, "no such folder"),
        ({"base": "bundled:efficientnet-lite0"}, "reads image"),
        ({"method": "prob"}, "did you mean 'probe'"),
        ({"metric": "acuracy"}, "did you mean 'accuracy'"),
        ({"metric": "r2"}, "choose one of accuracy"),
        ({"metric": "log_loss"}, "choose one of accuracy"),
        ({"task": "clasification"}, "known: classification"),
        ({"budget": "10 apples"}, "10min"),
        ({"seeds": 0}, "name 1 or more"),
        ({"target": "labl"}, "label"),
        ({"labels_per_class": 0}, "1 or more"),
    ],
)
def test_a_wrong_request_is_refused_with_the_nearest_and_nothing_is_written(
    tiny_base: str, tiny_csv: Path, tmp_path: Path, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(RequestError) as caught:
        headstart.adapt(tiny_csv, **{**asked(tiny_base), **wrong}, out=tmp_path / "out")
    assert said in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b"not weights", None])
def test_a_base_with_corrupt_weights_is_refused_and_nothing_is_written(
    tiny_base: str, tiny_csv: Path, tmp_path: Path, damage: bytes | None
) -> None:
    whole = Path(tiny_base.removeprefix("local:"))
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in whole.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000] if damage is None else damage)
    with pytest.raises(RequestError, match=r"model\.safetensors"):
        headstart.adapt(tiny_csv, **asked(f"local:{broken}"), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_method_that_breaks_is_recorded_and_the_study_goes_on(
    tiny_base: str, tiny_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Probe):
        name = "broken"

        def fit(self, setting: Any) -> Any:
            raise ZeroDivisionError("a fault of its own")

    class Unsearchable(Probe):
        name = "unsearchable"

        def search(self, *_: Any) -> Any:
            raise KeyError("rates")

    for method in (Broken, Unsearchable):
        monkeypatch.setattr(sys.modules[__name__], method.__name__, method, raising=False)
        monkeypatch.setitem(METHODS._builtin, method.name, f"{__name__}:{method.__name__}")
    names = ["broken", "unsearchable", "probe"]
    done = headstart.adapt(tiny_csv, **asked(tiny_base, method=names), out=tmp_path / "out")
    errors = {t.method: (t.status, t.error) for t in done.record.trials}
    assert errors["broken"] == ("failed", "ZeroDivisionError: a fault of its own")
    assert errors["unsearchable"] == ("failed", "KeyError: 'rates'")
    assert errors["probe"][0] == "finalist"
    assert "broken" in done.record.decision.why
    assert "a fault of its own" in (done.folder / "log.txt").read_text()


def test_where_every_method_fails_the_error_names_the_log_and_the_cause_can_be_mended(
    tiny_base: str, tiny_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError("the cause")

    out, options = tmp_path / "out", asked(tiny_base)
    with monkeypatch.context() as broken:
        for name in ("majority", "tfidf", "scratch", "probe"):
            broken.setattr(METHODS.get(name), "fit", refuse)
        with pytest.raises(WorkError, match="every trial failed: OSError: the cause") as caught:
            headstart.adapt(tiny_csv, **options, out=out)
    assert Path(str(caught.value.where)) == out / "log.txt"
    assert "the cause" in (out / "log.txt").read_text()
    assert not (out / "study.json").exists()
    mended = headstart.adapt(tiny_csv, **options, out=out, resume=True)
    assert {t.error for t in [*mended.record.baselines, *mended.record.trials]} == {None}


@pytest.mark.slow
def test_few_labels_a_class_are_all_that_training_sees(
    tiny_base: str, tiny_csv: Path, tmp_path: Path
) -> None:
    options = asked(tiny_base, labels_per_class=4, learning_curve=True)
    record = headstart.adapt(tiny_csv, **options, out=tmp_path / "out").record
    assert record.task.rows["train"] == 12
    assert record.task.split.endswith("train cut to 4 rows a class")
    assert {point.labels for point in record.learning_curve} == {12}
    assert record.decision.headline.startswith("Not decided: ")


@pytest.mark.slow
@pytest.mark.parametrize("budget", ["1flop", "1s"])
def test_the_smallest_budget_still_runs_the_control(
    tiny_base: str, tiny_csv: Path, tmp_path: Path, budget: str
) -> None:
    options = asked(tiny_base, budget=budget, seeds=2)
    record = headstart.adapt(tiny_csv, **options, out=tmp_path / "out").record
    scratch = next(arm for arm in record.arms if arm.method == "scratch")
    assert scratch.scores["test"]
    keys = [t.key for t in record.baselines]
    assert len(keys) == len(set(keys))


cells = st.one_of(
    st.text(max_size=12),
    st.integers(-3, 3),
    st.floats(),
    st.none(),
    st.sampled_from(["goal", "soup", "bank", "a, b", "\x00", "🙂"]),
)
tables = st.integers(0, 24).flatmap(
    lambda rows: st.fixed_dictionaries(
        {
            "text": st.lists(cells, min_size=rows, max_size=rows),
            "label": st.lists(
                st.sampled_from(["x", "y", "z"]) | cells, min_size=rows, max_size=rows
            ),
        }
    )
)


@pytest.mark.slow
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(tables)
def test_any_table_is_a_valid_study_or_refused_and_leaves_nothing_half_written(
    tiny_base: str, tmp_path_factory: pytest.TempPathFactory, columns: dict[str, list[Any]]
) -> None:
    out = tmp_path_factory.mktemp("any") / "out"
    frame = pd.DataFrame({name: pd.Series(c, dtype=object) for name, c in columns.items()})
    try:
        headstart.adapt(frame, **asked(tiny_base), out=out)
    except RequestError:
        assert not out.exists()
        return
    except WorkError:
        assert not (out / "study.json").exists()
        return
    StudyRecord.model_validate(read_study(out))
    assert not list(out.glob(".*"))


@pytest.mark.slow
def test_a_learnable_table_of_any_text_is_a_study(tiny_base: str, tmp_path: Path) -> None:
    rows = [(f"{word} 🙂\n\t{n}", label) for label, w in WORDS.items() for n, word in
            enumerate(w.split())]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["a", "b"])
    found = headstart.adapt(frame, **asked(tiny_base), out=tmp_path / "out")
    assert found.record.task.rows["train"] > 15
    assert set(found.best.predict(["goal 1", "soup 2"])) <= set(WORDS)
