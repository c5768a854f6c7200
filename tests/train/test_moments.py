"""Moments in 8 bits: nearly the same training in a quarter of the optimiser's memory."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch

from headstart.base import reference
from headstart.base.compat import prepare_torchvision
from headstart.progress import Silent
from headstart.task.model import Dialogue, Message
from headstart.train import moments
from headstart.train.groups import depth_groups
from headstart.train.guard import Ceiling
from headstart.train.language import LanguageNetwork
from headstart.train.lesson import Sayings
from headstart.train.loop import Trainer
from headstart.train.moments import fault, moment_bytes
from headstart.train.place import Place
from headstart.train.recipe import EIGHT_BIT, Recipe
from headstart.train.windows import Windows
from tests.speakers import write_base

FAULT = fault("cpu")
works = pytest.mark.skipif(FAULT is not None, reason=str(FAULT))
STEPS = 10
ROWS = [
    Dialogue((Message("user", f"fox {n}"), Message("assistant", "dog " * n))) for n in range(1, 9)
]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    prepare_torchvision(say=False)
    folder = tmp_path_factory.mktemp("moments") / "base"
    return write_base(folder, hidden_size=64, intermediate_size=128)


def trainer(base: str, kind: str, checkpoint=None) -> Trainer:
    decoder = reference.load_decoder(base)
    network, samples = LanguageNetwork(decoder), Windows(decoder, ROWS)
    recipe = Recipe(
        rate=1e-3, steps=STEPS, batch=4, evaluations=STEPS, patience=STEPS, moments=kind
    )
    return Trainer(
        network=network, groups=depth_groups(network), recipe=recipe, lesson=Sayings(samples),
        samples=samples, validate=lambda: (0.0, 0.0), seed=0,
        place=Place(checkpoint, Ceiling(4096), Silent(), save_every=0.0),
    )  # fmt: skip


def losses(trained: Trainer) -> list[float]:
    return [point.loss for point in trained.fit().points if point.loss is not None]


@works
def test_the_loss_falls_nearly_as_with_float32_moments_in_less_memory(base):
    whole, small = trainer(base, "float32"), trainer(base, EIGHT_BIT)
    found = [losses(whole), losses(small)]
    assert found[0][-1] < 0.9 * found[0][0]
    np.testing.assert_allclose(found[1], found[0], rtol=0.02)
    assert found[0] != found[1]
    kept = [tensor for state in small.optimizer.state.values() for tensor in state.values()]
    assert any(torch.is_tensor(one) and one.dtype is torch.uint8 for one in kept)
    assert small.run.peak_bytes < whole.run.peak_bytes


@works
def test_a_killed_run_goes_on_to_the_same_bits(base, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    expected = losses(trainer(base, EIGHT_BIT))
    take_step = Trainer._take_step

    def dying(one: Trainer) -> bool:
        if one.step == 5:
            raise Killed
        return take_step(one)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_take_step", dying)
        with pytest.raises(Killed):
            trainer(base, EIGHT_BIT, tmp_path / "checkpoint.pt").fit()
    assert losses(trainer(base, EIGHT_BIT, tmp_path / "checkpoint.pt")) == expected


def test_the_bytes_of_moments_are_those_that_are_kept():
    assert moment_bytes("float32") == 8.0
    assert 2.0 < moment_bytes(EIGHT_BIT) < 2.1


def test_without_the_package_there_is_a_fault(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "is not installed" in str(fault.__wrapped__("cpu"))


def test_steps_that_are_wrong_are_a_fault(monkeypatch):
    plain = moments.adamw

    def broken(groups, recipe):
        rate = recipe.rate * (2.0 if recipe.moments == EIGHT_BIT else 1.0)
        return plain(groups, Recipe(rate=rate, steps=recipe.steps))

    monkeypatch.setattr(moments, "adamw", broken)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert "wrong steps" in str(fault.__wrapped__("cpu"))
