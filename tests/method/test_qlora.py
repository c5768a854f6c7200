"""qlora: 4-bit weights that stay as they are, less memory, and a merged model that is the same."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from headstart.base.device import pick_device
from headstart.base.four_bit import FourBitLinear, fault
from headstart.base.own_blocks import OwnBlockLinear
from headstart.errors import WorkError
from headstart.measure.cost import step_bytes, weight_bytes
from headstart.method import qlora
from headstart.method.lora import Lora
from headstart.method.model import METHODS, Setting
from headstart.method.qlora import Qlora
from headstart.progress import Silent
from headstart.train import loop
from headstart.train.benches import workbench
from headstart.train.cache import FeatureCache
from headstart.train.language import token_losses_of
from headstart.train.place import Place

from .conftest import write_llama

FAULT = fault(pick_device())
works = pytest.mark.skipif(FAULT is not None, reason=str(FAULT))


def prepared(method: Lora, setting: Setting):
    """A network ready for training, its samples, and the loss of the first four rows."""
    job = method._job(setting)
    network = job.network()
    samples = job.samples(network, "train")
    lesson = job.lesson()
    rows = [0, 1, 2, 3]
    batch = network.collate(samples.take(rows))
    trained = [p for group in method.groups(network, setting) for p in group.parameters()]
    network.requires_grad_(False)
    for parameter in trained:
        parameter.requires_grad_(True)
    with torch.no_grad():  # B is zero at the start: without it A has no gradient
        for name, parameter in network.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05, generator=torch.Generator().manual_seed(0))
    return SimpleNamespace(
        network=network, samples=samples.take(rows), trained=trained,
        loss=lambda: lesson.loss(network, batch, rows),
    )  # fmt: skip


@pytest.fixture(scope="module")
def wide(shop, tmp_path_factory):
    """Settings of a method on a decoder that is nearly all linear layers."""
    folder = tmp_path_factory.mktemp("wide")
    write_llama(folder / "base", hidden_size=256, intermediate_size=1024)
    cache = FeatureCache(folder / "features")
    bench = workbench(shop.task("corpus"), f"local:{folder / 'base'}", cache, folder, Silent())

    def setting(method: str) -> Setting:
        values = {**METHODS.get(method)().search(shop.task("corpus"), bench, "bits")[0]}
        work = folder / method
        work.mkdir(exist_ok=True)
        values |= {"steps": 2, "batch": 2}
        return Setting(shop.task("corpus"), bench, values, 0, shop.metric("corpus"), work)

    return setting


@works
def test_gradients_are_those_of_the_dequantised_weights_also_after_an_evaluation(wide):
    found = prepared(Qlora(), wide("qlora"))

    def gradients():
        return torch.autograd.grad(found.loss(), found.trained)

    before = gradients()
    token_losses_of(found.network, found.samples)  # bitsandbytes' own layer repacks its weights
    after = gradients()
    for module in list(found.network.modules()):
        if isinstance(getattr(module, "base_layer", None), FourBitLinear):
            module.base_layer = module.base_layer.whole()
    plain = gradients()
    assert all(bool(g.abs().sum() > 0) for g in before)
    for a, b, c in zip(before, after, plain, strict=True):
        assert torch.equal(a, b)
        torch.testing.assert_close(a, c, rtol=1e-4, atol=1e-6)


@pytest.fixture
def in_blocks(wide):
    """A setting whose base has weights of 4-bit steps, for as long as the test takes."""
    setting = wide("qlora")
    draw = torch.Generator().manual_seed(0)
    body = setting.base.pristine.body
    layers = [body.get_submodule(path) for path in setting.base.pristine.lora_targets()]
    before = [layer.weight.detach().clone() for layer in layers]
    with torch.no_grad():
        for layer in layers:
            blocks = (layer.out_features, layer.in_features // 32, 32)
            steps = torch.randint(0, 16, blocks, generator=draw)
            layer.weight.copy_((steps * 0.004 - 0.03).reshape(layer.weight.shape))
    yield setting
    with torch.no_grad():
        for layer, weight in zip(layers, before, strict=True):
            layer.weight.copy_(weight)


@works
def test_weights_that_came_in_4_bits_lose_nothing(in_blocks):
    pristine, found = in_blocks.base.pristine, Qlora().encoder(in_blocks)
    for path in pristine.lora_targets():
        small, layer = (one.body.get_submodule(path) for one in (found, pristine))
        assert isinstance(small, OwnBlockLinear)
        torch.testing.assert_close(
            small.values(torch.float32), layer.weight.data, rtol=0, atol=1e-6
        )


@works
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_merged_model_is_the_trained_one(shop, precision):
    setting = shop.setting("corpus", "qlora", folder=f"merge-{precision}", precision=precision)
    fitted = Qlora().fit(setting)
    moved = next(n for n in fitted.notes if n.startswith("merged")).split()[-1]
    assert float(moved) < 1e-4
    assert any("4 bits" in note for note in fitted.notes)
    linear = [m for m in fitted.model.decoder.modules() if isinstance(m, nn.Linear)]
    assert {type(m) for m in linear} == {nn.Linear}
    assert {m.weight.dtype for m in linear} == {torch.float32}


@works
def test_merging_into_the_base_that_was_not_quantised_fails_the_trial(shop, monkeypatch):
    setting = shop.setting("corpus", "qlora", folder="wrong")
    kept: dict[FourBitLinear, nn.Linear] = {}
    build = FourBitLinear.__init__

    def keeping(self, layer, compute=torch.float32):
        build(self, layer, compute)
        kept[self] = layer

    def original(self):
        found = nn.Linear(self.in_features, self.out_features, bias=False)
        found.weight = nn.Parameter(kept[self].weight.detach().clone())
        return found

    monkeypatch.setattr(FourBitLinear, "__init__", keeping)
    monkeypatch.setattr(FourBitLinear, "whole", original)
    with pytest.raises(WorkError, match="moved the loss of a token"):
        Qlora().fit(setting)


@works
def test_a_killed_run_goes_on_to_the_same_numbers(shop, monkeypatch):
    class Killed(BaseException):
        pass

    monkeypatch.setattr("headstart.method.gradient.Place", lambda *a: Place(*a, save_every=0.0))
    take_step = loop.Trainer._take_step

    def dying(trainer):
        if trainer.step == 20:
            raise Killed
        return take_step(trainer)

    setting = shop.setting("corpus", "qlora", folder="killed")
    with monkeypatch.context() as patch:
        patch.setattr(loop.Trainer, "_take_step", dying)
        with pytest.raises(Killed):
            Qlora().fit(setting)
    assert (setting.folder / "checkpoint.pt").exists()
    found, expected = Qlora().fit(setting), shop.fitted("corpus", "qlora")
    assert np.array_equal(found.validation, expected.validation)
    assert found.points == expected.points
    assert found.flop == expected.flop


@works
def test_no_float32_copy_of_a_quantised_layer_is_made(wide):
    setting = wide("qlora")
    network = Qlora()._job(setting).network()
    pristine = setting.base.pristine
    layers = [m for m in network.modules() if isinstance(m, FourBitLinear)]
    weights = sum(m.in_features * m.out_features for m in layers)
    assert len(layers) == len(pristine.lora_targets())
    scales = weights / 64 * 1.1 + len(layers) * 4 * (256 + 256 + 16 + 2)  # 8-bit, and their codes
    adapters = sum(p.nbytes for n, p in network.named_parameters() if "lora_" in n)
    rest = weight_bytes(pristine) - 4 * weights
    assert weights / 2 < weight_bytes(network) - adapters - rest <= weights / 2 + scales


@works
def test_a_step_holds_less_than_loras(wide):
    steps = {}
    for method in (Lora(), Qlora()):
        found = prepared(method, wide(method.name))
        steps[method.name] = step_bytes(found.network, found.loss)
    saved = weight_bytes(wide("lora").base.pristine)
    assert steps["qlora"] < steps["lora"] - 0.7 * saved


@works
def test_the_peak_is_below_loras_and_no_less_than_what_is_delivered(wide):
    peaks = {m: METHODS.get(m)().fit(wide(m)).peak_bytes for m in ("lora", "qlora")}
    delivered = weight_bytes(wide("lora").base.pristine)
    assert delivered <= peaks["qlora"] < peaks["lora"]


@works
def test_the_memory_that_is_foretold_is_the_steps_and_that_of_the_end(wide):
    needs = {m: METHODS.get(m)().need(wide(m)) for m in ("lora", "qlora")}
    weights = weight_bytes(wide("lora").base.pristine)
    assert needs["qlora"].fixed < needs["lora"].fixed - 0.7 * weights
    assert needs["qlora"].end == weights
    assert weights <= needs["qlora"].bytes(0) < needs["lora"].bytes(0)


@works
def test_operations_are_counted_through_4_bit_layers(shop):
    costs = {m: shop.fitted("corpus", m).flop for m in ("lora", "qlora")}
    assert costs["qlora"] == pytest.approx(costs["lora"], rel=0.01)


@works
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(32, 64), (30, 50), (17, 33)])
def test_a_layer_is_its_dequantised_weights_and_those_are_near(shape, bias):
    torch.manual_seed(0)
    layer = nn.Linear(*shape, bias=bias)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    small = FourBitLinear(layer, torch.bfloat16)
    given = torch.randn(2, 3, shape[0])
    small(given)
    small.compute = torch.float32
    assert torch.equal(small(given), small.whole()(given))
    whole = small.whole()
    assert float((whole.weight - layer.weight).abs().max()) < 0.2 * float(layer.weight.abs().max())
    if bias:
        assert torch.equal(whole.bias, before["bias"])  # bitsandbytes' own layer rounds it
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


def test_it_is_refused_without_bitsandbytes(shop, monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    reason = Qlora().refuse(shop.task("corpus"), None)
    assert "not installed" in reason
    assert "pip install 'headstart[llm]'" in reason
    assert "--method lora" in reason


@works
def test_it_is_refused_where_bitsandbytes_fails_or_is_wrong(shop, monkeypatch):
    import bitsandbytes

    def no_kernel(*args, **kwargs):
        raise NotImplementedError("no kernel for this device")

    with monkeypatch.context() as patch:
        patch.setattr(bitsandbytes, "matmul_4bit", no_kernel)
        assert "no kernel for this device" in Qlora().refuse(shop.task("corpus"), None)
    with monkeypatch.context() as patch:
        right = bitsandbytes.matmul_4bit
        patch.setattr(bitsandbytes, "matmul_4bit", lambda *a, **k: 1.1 * right(*a, **k))
        assert "wrong products" in Qlora().refuse(shop.task("dialogues"), None)
    assert Qlora().refuse(shop.task("corpus"), None) is None


@pytest.mark.parametrize("name", ["text", "image", "tags", "regression"])
def test_it_is_refused_where_no_text_is_said(shop, name, monkeypatch):
    monkeypatch.setattr(qlora, "fault", lambda device: pytest.fail("nothing is to be imported"))
    assert "language models" in Qlora().refuse(shop.task(name), None)
