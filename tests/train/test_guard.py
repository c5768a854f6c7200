"""Running out of memory: how it is known, and the ceiling that is remembered."""

from __future__ import annotations

import pytest
import torch

from headstart.errors import WorkError
from headstart.train.guard import Ceiling, out_of_memory

CPU = "[enforce fail at alloc_cpu.cpp:119] . DefaultCPUAllocator: can't allocate memory: you tried"


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), MemoryError(),
     RuntimeError(CPU), RuntimeError("CUDA error: out of memory"),
     RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
     RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes.")],
    ids=["cuda", "python", "cpu", "cuda-late", "cublas", "windows"],
)  # fmt: skip
def test_lack_of_memory_is_known_on_every_device(error):
    assert out_of_memory(error)


@pytest.mark.parametrize(
    "error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
              ValueError("out of memory"), KeyboardInterrupt()]
)  # fmt: skip
def test_other_errors_are_not_lack_of_memory(error):
    assert not out_of_memory(error)


def test_torch_itself_says_so_when_the_machine_is_full():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert out_of_memory(caught.value)


def test_the_ceiling_becomes_half_of_what_did_not_fit():
    ceiling = Ceiling(8192)
    ceiling.lower(asked=640, longest=20)
    assert ceiling.units == 320
    ceiling.lower(asked=320, longest=200)
    assert ceiling.units == 200


@pytest.mark.parametrize("units", [20, 8192])
def test_below_a_single_input_nothing_can_be_split(units):
    ceiling = Ceiling(units)
    with pytest.raises(WorkError, match="single input of 20 units") as caught:
        ceiling.lower(asked=20, longest=20)
    assert "smaller base" in str(caught.value)


def test_a_ceiling_is_remembered(tmp_path):
    path = tmp_path / "deep" / "ceiling.json"
    first = Ceiling.remembered(64, path)
    assert first.units == 64
    assert not path.exists()
    first.lower(asked=64, longest=1)
    assert Ceiling.remembered(64, path).units == 32


@pytest.mark.parametrize("text", ["", "many", "[1]"])
def test_a_damaged_memory_is_no_memory(tmp_path, text):
    path = tmp_path / "ceiling.json"
    path.write_text(text)
    assert Ceiling.remembered(64, path).units == 64


def test_a_ceiling_is_never_nothing(tmp_path):
    path = tmp_path / "ceiling.json"
    path.write_text("0")
    assert Ceiling.remembered(64, path).units == 1
