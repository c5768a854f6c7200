"""A search run that becomes a finalist reads only what it has not read yet."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.method.adapted import NetworkModel
from headstart.method.model import METHODS
from headstart.progress import Silent
from headstart.study.trial import Trial, run_trial
from headstart.train.benches import workbench
from headstart.train.cache import FeatureCache

from .helpers import context_of, text_task, write_base

ROWS, JUDGED, TEST = 320, 300, 20


@pytest.fixture
def context(tmp_path):
    return context_of(tmp_path / "study", text_task(validation=ROWS, test=TEST))


@pytest.fixture
def trial(context, tmp_path):
    base = f"local:{write_base(tmp_path / 'base')}"
    bench = workbench(context.task, base, FeatureCache(tmp_path / "cache"), tmp_path, Silent())
    method = METHODS.get("finetune")()
    values = method.search(context.task, bench, context.metric)[0]
    return Trial(method, bench, {**values, "batch": 8, "steps": 4}, 0)


@pytest.fixture
def read(monkeypatch):
    """How many inputs a model that was kept read, each time."""
    counts: list[int] = []
    outputs = NetworkModel.outputs

    def counted(self, inputs, progress=None):
        counts.append(len(inputs))
        return outputs(self, inputs, progress)

    monkeypatch.setattr(NetworkModel, "outputs", counted)
    return counts


def finalist(context, trial):
    record = run_trial(context, trial, final=True)
    assert record.status == "finalist"
    return context.store.predictions(record.key, "validation")


def test_what_it_was_judged_on_is_not_read_again(context, trial, read, tmp_path):
    searched = run_trial(context, trial, final=False)
    seen = context.store.predictions(searched.key, "validation")
    assert len(seen) == JUDGED
    found = finalist(context, trial)
    assert read == [ROWS - JUDGED, TEST]
    at_once = context_of(tmp_path / "other", context.task)
    np.testing.assert_allclose(found, finalist(at_once, trial), atol=1e-6)


def test_all_is_read_where_its_predictions_are_damaged(context, trial, read):
    searched = run_trial(context, trial, final=False)
    whole = context.store.predictions(searched.key, "validation")
    context.store.write_predictions(searched.key, {"validation": whole[1:]})
    assert len(finalist(context, trial)) == ROWS
    (context.store.trials / f"{searched.key}.npz").write_bytes(b"PK torn")
    context.store.write_trial(searched, {})
    assert len(finalist(context, trial)) == ROWS
    assert read == [ROWS, TEST] * 2
