"""FLOPs and bytes are counted as by hand; energy is measured or not told."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef

from headstart.measure import cost
from headstart.measure.cost import Meter, forward_flop, step_bytes, trainable_parameters


class Linear(nn.Module):
    def __init__(self, bias=True):
        super().__init__()
        self.layer = nn.Linear(8, 4, bias=bias)

    def forward(self, batch):
        return self.layer(batch["x"])


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.dummy = nn.Parameter(torch.zeros(1))

    def forward(self, batch):
        x = batch["x"]
        return nn.functional.scaled_dot_product_attention(x, x, x)


def test_a_multiply_add_counts_as_two():
    assert forward_flop(Linear(), {"x": torch.zeros(5, 8)}) == 2 * 5 * 8 * 4


def test_attention_is_counted_on_the_cpu_too():
    flop = forward_flop(Attention(), {"x": torch.zeros(1, 2, 6, 4)})
    assert flop == 2 * 2 * (6 * 6 * 4) * 2  # two products, two heads


def test_counting_leaves_the_mode_of_the_module():
    module = Linear().train()
    forward_flop(module, {"x": torch.zeros(1, 8)})
    assert module.training


def test_only_weights_that_train_are_counted():
    module = Linear()
    module.layer.bias.requires_grad_(False)
    assert trainable_parameters(module) == 32


def test_step_bytes_are_weights_gradients_optimizer_and_saved_activations():
    module = Linear(bias=False)
    x = torch.randn(5, 8)
    found = step_bytes(module, lambda: module({"x": x}).square().sum(), 8)
    weights = 32 * 4
    saved = 5 * 8 * 4 + 5 * 4 * 4  # the input of the product, the output that is squared
    assert found == weights + weights + 2 * weights + saved


def test_frozen_weights_need_no_gradients_and_save_no_activations():
    module = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))
    x = torch.randn(3, 8)
    everything = step_bytes(module, lambda: module(x).sum())
    module[0].requires_grad_(False)
    assert step_bytes(module, lambda: module(x).sum()) < everything


def test_weights_that_the_backward_pass_needs_are_not_counted_again_as_activations():
    module = nn.Sequential(nn.Linear(8, 8, bias=False), nn.Linear(8, 2, bias=False))
    x = torch.randn(3, 8)
    found = step_bytes(module, lambda: module(x).sum(), 0)
    weights = (64 + 16) * 4
    assert found == 2 * weights + 2 * 3 * 8 * 4  # the inputs of the two products


def test_a_storage_that_is_saved_twice_is_counted_once():
    module = Linear(bias=False)
    x = torch.randn(5, 8)
    once = step_bytes(module, lambda: module({"x": x}).sum(), 0)
    twice = step_bytes(module, lambda: (module({"x": x}) + module({"x": x.view(5, 8)})).sum(), 0)
    assert once == twice


def test_counting_trains_nothing_and_draws_no_random_number():
    module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    torch.manual_seed(0)
    expected = torch.get_rng_state()
    first, second = (step_bytes(module, lambda: module(torch.ones(6, 4)).sum()) for _ in "ab")
    assert first == second
    assert torch.equal(torch.get_rng_state(), expected)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())


def test_a_meter_measures_time_even_if_the_block_fails():
    def fails(meter):
        with meter:
            sum(range(200_000))
            raise RuntimeError

    meter = Meter()
    with pytest.raises(RuntimeError):
        fails(meter)
    assert meter.seconds > 0
    assert meter.cpu_seconds >= 0


def test_energy_that_cannot_be_read_is_not_guessed(tmp_path, monkeypatch):
    monkeypatch.setattr(cost, "RAPL", tmp_path)
    with Meter() as meter:
        pass
    assert meter.energy_joule is None
    assert meter.energy_source is None


def test_energy_adds_packages_and_survives_the_counters_wrap(tmp_path, monkeypatch):
    for name, start in (("intel-rapl:0", 9_000_000), ("intel-rapl:1", 0), ("intel-rapl:0:0", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "max_energy_range_uj").write_text("10000000")
        (tmp_path / name / "energy_uj").write_text(str(start))
    monkeypatch.setattr(cost, "RAPL", tmp_path)
    with Meter() as meter:
        (tmp_path / "intel-rapl:0" / "energy_uj").write_text("1000000")  # 9 J → 10 J = 0 → 1 J
        (tmp_path / "intel-rapl:1" / "energy_uj").write_text("3000000")
        (tmp_path / "intel-rapl:0:0" / "energy_uj").write_text("5000000")  # inside package 0
    assert meter.energy_joule == pytest.approx(2 + 3)
    assert meter.energy_source == "cpu"


class Nvml:
    """Stands in for pynvml: one GPU whose counter is at ``joule``."""

    class NVMLError(Exception):
        pass

    joule = 100.0

    def nvmlInit(self):  # noqa: N802
        pass

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):  # noqa: N802
        if self.joule is None:
            raise self.NVMLError
        return round(self.joule * 1000)  # millijoules


@pytest.fixture
def gpu(monkeypatch, tmp_path):
    nvml = Nvml()
    monkeypatch.setattr(cost, "RAPL", tmp_path)
    monkeypatch.setattr(cost, "_on_gpu", lambda: True)
    monkeypatch.setattr(cost, "_synchronize", lambda: None)
    monkeypatch.setattr(cost, "_nvml_handle", lambda module, index: index)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    return nvml


def test_energy_of_a_gpu_is_read_in_millijoules(gpu):
    with Meter() as meter:
        gpu.joule = 130.5
    assert meter.energy_joule == pytest.approx(30.5)
    assert meter.energy_source == "gpu"


def test_a_gpu_without_a_counter_has_no_energy(gpu):
    gpu.joule = None
    with Meter() as meter:
        pass
    assert meter.energy_joule is None


def test_step_bytes_lets_go_of_what_it_counted():
    module = nn.Sequential(nn.Linear(10, 1000), nn.ReLU(), nn.Linear(1000, 1))
    kept = []

    def loss():
        hidden = module[1](module[0](torch.ones(100, 10)))  # what comes out is saved, twice
        kept.append(StorageWeakRef(hidden.untyped_storage()))
        return module[2](hidden).sum()

    assert step_bytes(module, loss, 0) > 100 * 1000 * 4
    assert kept[0].expired()
