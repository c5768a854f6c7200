"""Every lever: training with it forgets less, and it hangs on nothing but seed and rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from headstart.errors import RequestError
from headstart.method.keeping import take_back
from headstart.method.model import METHODS, Setting
from headstart.progress import Silent
from headstart.retention.corpus import Corpus
from headstart.retention.forgotten import forgotten
from headstart.retention.lever import LEVERS, Ground, step_factor
from headstart.train.groups import depth_groups
from headstart.train.language import LanguageNetwork

RATE, STEPS = 3e-3, 40
# What is pulled here: these weights are few and move far, so that pulls are stronger than usual.
PULLS = {"replay": 1.0, "l2sp": 1.0, "ewc": 3.0, "lwf": 2.0}


@pytest.fixture(scope="module")
def suite(retained):
    return Corpus.read(str(retained), Silent())[0]


def setting(bench, task, folder, suite=None, seed=0, **changes) -> Setting:
    values = METHODS.get("finetune")().search(task, bench, "bits_per_byte")[0]
    values |= {"rate": RATE, "steps": STEPS, "batch": 16, "precision": "float32", **changes}
    return Setting(task, bench, values, seed, "bits_per_byte", folder, retained=suite)


def lost(bench, suite, model) -> float:
    before = suite.told(bench.pristine, "test", Silent())
    return forgotten(suite, "test", before, suite.told(model.body, "test", Silent())).value


@pytest.fixture(scope="module")
def plain(bench, task, suite, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    return METHODS.get("finetune")().fit(setting(bench, task, folder))


def test_training_on_other_documents_forgets(plain, bench, suite):
    assert lost(bench, suite, plain.model) > 0.2


@pytest.mark.parametrize("name", sorted(PULLS))
def test_training_with_a_lever_forgets_less(name, plain, bench, task, suite, tmp_path):
    asked = setting(bench, task, tmp_path, suite, levers={name: PULLS[name]})
    found = METHODS.get("finetune")().fit(asked)
    assert lost(bench, suite, found.model) < 0.8 * lost(bench, suite, plain.model)


def test_smaller_steps_forget_less(plain, bench, task, suite, tmp_path):
    gentle = LEVERS.get("gentle").setting(setting(bench, task, tmp_path).hyperparameters)
    assert gentle["rate"] < RATE
    found = METHODS.get("finetune")().fit(setting(bench, task, tmp_path, **gentle))
    assert lost(bench, suite, found.model) < lost(bench, suite, plain.model)


@pytest.mark.parametrize("name", sorted(PULLS))
def test_the_same_seed_gives_the_same_model(name, bench, task, suite, tmp_path):
    fits = []
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        asked = setting(bench, task, tmp_path / place, suite, steps=6, levers={name: 0.5})
        fits.append(METHODS.get("finetune")().fit(asked).validation)
    np.testing.assert_array_equal(*fits)


def ground(bench, suite) -> Ground:
    network, pristine = LanguageNetwork(bench.encoder()), LanguageNetwork(bench.pristine)
    groups = depth_groups(network)
    return Ground(network, groups, pristine, suite.recall(pristine), seed=3)


def batch_of(network, bench, rows):
    return network.collate(bench.samples("train").take(rows))


@pytest.mark.parametrize("name", ["l2sp", "ewc", "lwf"])
def test_the_base_itself_pays_nothing(name, bench, suite):
    found = ground(bench, suite)
    lever = LEVERS.get(name)(found, 1.0)
    for weight in found.network.parameters():
        weight.requires_grad_(True)
    batch = batch_of(found.network, bench, [0, 1])
    assert float(lever.term(found.network, batch, [0, 1])) == pytest.approx(0.0, abs=1e-6)
    with torch.no_grad():
        for weight in found.network.parameters():
            weight.add_(0.05)
    assert float(lever.term(found.network, batch, [0, 1])) > 1e-3


def test_importance_has_a_mean_of_one(bench, suite):
    lever = LEVERS.get("ewc")(ground(bench, suite), 1.0)
    whole = torch.cat([each.flatten() for each in lever.importance])
    assert float(whole.mean()) == pytest.approx(1.0, rel=1e-4)
    assert float(whole.min()) >= 0.0


def test_replayed_rows_hang_on_the_new_ones_only(bench, suite):
    found = ground(bench, suite)
    lever = LEVERS.get("replay")(found, 0.5)
    batch = batch_of(found.network, bench, [4, 9])
    first = float(lever.term(found.network, batch, [4, 9]))
    lever.term(found.network, batch, [1, 2, 3])
    assert float(lever.term(found.network, batch, [4, 9])) == first


def test_replay_without_retained_rows_is_refused(bench, suite):
    bare = ground(bench, suite)
    without = Ground(bare.network, bare.groups, bare.pristine, None, 0)
    with pytest.raises(RequestError, match="no retained rows"):
        LEVERS.get("replay")(without, 0.5).term(bare.network, (), [0])


def test_dearer_levers_cost_more(bench):
    assert step_factor({}) == 1.0
    assert step_factor({"replay": 0.25, "lwf": 0.5}) > step_factor({"lwf": 0.5}) > 1.0


def test_weights_brought_all_the_way_back_are_the_bases(plain, bench, suite, tmp_path):
    plain.model.save(tmp_path)
    from headstart.method.adapted import load_model

    model = load_model(tmp_path)
    adapted = lost(bench, suite, model)
    take_back(model.body, bench.pristine, 0.5)
    half = lost(bench, suite, model)
    take_back(model.body, bench.pristine, 0.0)
    assert lost(bench, suite, model) == pytest.approx(0.0, abs=1e-5)
    assert 0.0 < half < adapted
