"""The training dtype: float32 unless bfloat16 is measured to be worth it."""

from __future__ import annotations

import pytest
import torch

from headstart.train import precision


@pytest.fixture(autouse=True)
def forgotten():
    precision._measured_dtype.cache_clear()
    yield
    precision._measured_dtype.cache_clear()


def measured(monkeypatch, full: float, half: float) -> list[torch.dtype]:
    asked: list[torch.dtype] = []

    def seconds(dtype: torch.dtype, device_type: str, longest: float | None = None) -> float:
        asked.append(dtype)
        return half if dtype is torch.bfloat16 else full

    monkeypatch.setattr(precision, "_seconds", seconds)
    return asked


@pytest.mark.parametrize(
    ("full", "half", "expected"),
    [
        (1.0, 0.5, torch.bfloat16),
        (1.0, 0.9, torch.float32),
        (1.0, 50.0, torch.float32),
    ],
)
def test_bfloat16_is_chosen_where_it_is_a_fifth_faster(monkeypatch, full, half, expected):
    measured(monkeypatch, full, half)
    assert precision.training_dtype("cpu") is expected


def test_it_is_measured_once_a_process(monkeypatch):
    asked = measured(monkeypatch, 1.0, 0.5)
    assert precision.training_dtype("cpu") is precision.training_dtype(torch.device("cpu"))
    assert len(asked) == 2


def test_a_device_without_bfloat16_trains_in_float32(monkeypatch):
    def seconds(dtype: torch.dtype, device_type: str, longest: float | None = None) -> float:
        if dtype is torch.bfloat16:
            raise RuntimeError("not implemented for 'BFloat16'")
        return 1.0

    monkeypatch.setattr(precision, "_seconds", seconds)
    assert precision.training_dtype("cpu") is torch.float32


def test_a_real_measurement_gives_one_of_the_two():
    assert precision.training_dtype() in (torch.float32, torch.bfloat16)


def test_a_hopeless_dtype_is_given_up_after_one_product(monkeypatch):
    ticks = iter(range(0, 1000, 10))
    monkeypatch.setattr(precision.time, "perf_counter", lambda: next(ticks))
    assert precision._seconds(torch.float32, "cpu", longest=0.01) == 10
    assert next(ticks) == 20
