"""Training the top from kept states: the same runs as with whole passes, at less cost."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from headstart.method.labelling import Labelling
from headstart.method.lora_top import LoraTop
from headstart.method.model import METHODS
from headstart.method.partial import Partial
from headstart.method.saying import Saying
from headstart.train import loop
from headstart.train.guard import Ceiling
from headstart.train.place import Place
from headstart.train.states import States
from headstart.train.workbench import Workbench

TOP = ("partial", "lora-top")
EVERY_KIND = [("text", m) for m in TOP] + [("image", m) for m in TOP]
EVERY_KIND += [("text-pair", "lora-top"), ("tags", "lora-top"), ("multi-label", "lora-top")]
EVERY_KIND += [("corpus", "partial"), ("corpus", "lora-top"), ("dialogues", "lora-top")]


@pytest.fixture
def whole_passes(monkeypatch):
    """No boundary is found anywhere, as for an architecture that nobody knows."""
    monkeypatch.setattr(Workbench, "boundary", lambda bench, top: None)


@pytest.mark.parametrize(("name", "method"), EVERY_KIND)
def test_a_run_from_kept_states_is_the_run_of_whole_passes(shop, name, method, request):
    kept = shop.fitted(name, method)
    assert shop.bench(name).boundary(shop.setting(name, method).hyperparameters["top"])
    request.getfixturevalue("whole_passes")
    whole = shop.fit(name, method, folder="whole")
    losses = [[point.loss or 0.0 for point in fitted.points] for fitted in (kept, whole)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3, abs=1e-4)
    flat = [np.concatenate([np.ravel(row) for row in f.validation]) for f in (kept, whole)]
    if name == "tags":
        assert (flat[0] == flat[1]).mean() > 0.98
    else:
        np.testing.assert_allclose(flat[0], flat[1], atol=2e-3)
    assert kept.flop < whole.flop


@pytest.mark.parametrize("name", ["text", "corpus"])
@pytest.mark.parametrize("method", TOP)
def test_steps_from_kept_states_are_priced_below_whole_ones(shop, name, method, request):
    kind, bench = METHODS.get(method)(), shop.bench(name)
    factor = kind.flop_factor(bench)
    assert 0 < kind.once_factor(bench) < 1
    request.getfixturevalue("whole_passes")
    assert factor < kind.flop_factor(bench)
    assert kind.once_factor(bench) == 0.0


@pytest.mark.parametrize("name", ["text", "corpus"])
@pytest.mark.parametrize("method", TOP)
def test_a_killed_run_goes_on_to_the_same_bits(shop, name, method, monkeypatch):
    class Killed(BaseException):
        pass

    monkeypatch.setattr("headstart.method.gradient.Place", lambda *a: Place(*a, save_every=0.0))
    take_step = loop.Trainer._take_step

    def dying(trainer):
        if trainer.step == 20:
            raise Killed
        return take_step(trainer)

    setting = shop.setting(name, method, folder="killed-top")
    with monkeypatch.context() as patch:
        patch.setattr(loop.Trainer, "_take_step", dying)
        with pytest.raises(Killed):
            METHODS.get(method)().fit(setting)
    shop.bench(name).forget()  # another process has nothing of it
    found, expected = METHODS.get(method)().fit(setting), shop.fitted(name, method)
    assert np.array_equal(found.validation, expected.validation)
    assert found.points == expected.points
    assert found.flop == expected.flop


@pytest.mark.parametrize("method", TOP)
def test_batches_split_for_want_of_memory_train_alike(shop, method, monkeypatch, request):
    accumulate, refused = loop.Trainer._accumulate, set()

    def full_once(trainer, rows):
        if trainer.step == 3 and trainer not in refused:
            refused.add(trainer)
            raise torch.OutOfMemoryError("full")
        return accumulate(trainer, rows)

    monkeypatch.setattr(loop.Trainer, "_accumulate", full_once)
    monkeypatch.setattr(Workbench, "ceiling", lambda bench: Ceiling(4096))
    kept = METHODS.get(method)().fit(shop.setting("text", method, folder="full"))
    request.getfixturevalue("whole_passes")
    whole = METHODS.get(method)().fit(shop.setting("text", method, folder="full-whole"))
    assert all(any("memory ran out" in note for note in f.notes) for f in (kept, whole))
    losses = [[point.loss or 0.0 for point in fitted.points] for fitted in (kept, whole)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3, abs=1e-4)


def test_all_runs_on_a_base_share_what_is_kept(shop, monkeypatch):
    bench = shop.bench("text")
    top = shop.setting("text", "lora-top").hyperparameters["top"]
    states = bench.states("train", top, torch.float32)
    states.take(range(len(states)))
    monkeypatch.setattr(type(states), "_reach", lambda *a: pytest.fail("computed again"))
    again = bench.on(shop.task("text"), np.arange(10)).states("train", top, torch.float32)
    again.take(range(10))


def test_lora_top_adapts_only_the_top_half(shop):
    setting = shop.setting("text", "lora-top", folder="adapted")
    network = Labelling(LoraTop(), setting).network()
    adapted = {n.split("layer.")[1][0] for n, _ in network.named_parameters() if "lora_" in n}
    assert adapted == {"1", "2"}  # of embeddings and three layers
    groups = LoraTop().groups(network, setting)
    lora = {id(p) for n, p in network.named_parameters() if "lora_" in n}
    assert {id(p) for p in groups[1].parameters()} == lora


def test_texts_whose_states_would_not_all_be_kept_are_read_whole(shop, monkeypatch):
    bench, setting = shop.bench("corpus"), shop.setting("corpus", "partial", folder="large")
    top = setting.hyperparameters["top"]
    assert isinstance(bench.states("train", top, torch.float32), States)
    monkeypatch.setattr("headstart.train.language.MEMORY", bench.units("train") * 32 * 4 - 1)
    bench.forget()
    assert bench.boundary(top) is None
    assert bench.states("train", top, torch.float32) is bench.samples("train")
    bench.forget()


@pytest.mark.parametrize("name", ["text", "corpus"])
def test_blocks_above_the_boundary_may_be_computed_again(shop, name, monkeypatch):
    expected = shop.fitted(name, "partial")
    setting = shop.setting(name, "partial", folder="again-top")
    monkeypatch.setattr(setting.base, "again", {"partial"})
    found = Partial().fit(setting)
    losses = [[point.loss or 0.0 for point in fitted.points] for fitted in (found, expected)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4, abs=1e-5)


def test_half_of_a_decoder_is_half_of_its_blocks(shop):
    setting = shop.setting("corpus", "lora-top", folder="adapted")
    network = Saying(LoraTop(), setting).network()
    adapted = {n.split("layers.")[1][0] for n, _ in network.named_parameters() if "lora_" in n}
    assert adapted == {"1", "2"}  # of the input table, which is the output layer, and three layers
