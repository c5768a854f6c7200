"""What a machine does a second is measured once, remembered, and measured again if damaged."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headstart.progress import Silent
from headstart.study import speed
from headstart.study.speed import Speed, forget_speed, measured_speed

FIRST = {"predict": 1e9, "watch": 2e9, "precision": "bfloat16"}
METHOD: Any = SimpleNamespace(name="lora", flop_factor=lambda bench: 2.1)


class Machine:
    """Each measurement gives another speed."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.bases = self.methods = 0
        patch.setattr(speed, "_base_speed", self.base)
        patch.setattr(speed, "_method_rate", self.method)

    def base(self, bench: Any) -> dict[str, Any]:
        self.bases += 1
        return {**FIRST, "predict": self.bases * 1e9}

    def method(self, method: Any, setting: Any, precision: str) -> float:
        assert precision == "bfloat16"
        self.methods += 1
        return self.methods * 1e10


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.fixture
def setting() -> Any:
    device = SimpleNamespace(type="cpu")
    bench = SimpleNamespace(
        small=set(),
        card=SimpleNamespace(revision="r"),
        pristine=SimpleNamespace(device=lambda: device),
        samples=lambda part: SimpleNamespace(sizes=[8, 8]),
    )
    return SimpleNamespace(base=bench, progress=Silent())


def test_a_speed_is_measured_once_and_remembered(
    machine: Machine, setting: Any, tmp_path: Path
) -> None:
    memory = tmp_path / "speeds.json"
    found = [measured_speed(METHOD, setting, memory) for _ in range(2)]
    assert found == [Speed(1e10, 2e9, 1e9, "bfloat16")] * 2
    other: Any = SimpleNamespace(name="finetune", flop_factor=lambda bench: 3.0)
    assert measured_speed(other, setting, memory) == Speed(2e10, 2e9, 1e9, "bfloat16")
    assert (machine.bases, machine.methods) == (1, 2)


@pytest.mark.parametrize(
    "damage", ["", "[]", "{", "other", '{"train": -1}', '{"precision": "int8"}', '{"rate": 1.0}']
)
def test_a_damaged_memory_of_speeds_is_measured_again(
    machine: Machine, setting: Any, tmp_path: Path, damage: str
) -> None:
    memory = tmp_path / "speeds.json"
    measured_speed(METHOD, setting, memory)
    names = list(json.loads(memory.read_text()))
    inside = damage == "other" or damage.startswith('{"')
    value = json.loads(damage) if damage.startswith('{"') else damage
    memory.write_text(json.dumps(dict.fromkeys(names, value)) if inside else damage)
    assert measured_speed(METHOD, setting, memory) == Speed(2e10, 2e9, 2e9, "bfloat16")
    assert measured_speed(METHOD, setting, memory).train == 2e10


def test_another_number_of_threads_is_another_speed(
    machine: Machine, setting: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "speeds.json"
    first = measured_speed(METHOD, setting, memory)
    monkeypatch.setattr("torch.get_num_threads", lambda: 17)
    assert measured_speed(METHOD, setting, memory) != first
    assert (machine.bases, machine.methods) == (2, 2)


def test_what_another_study_measured_meanwhile_is_believed(
    machine: Machine, setting: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "speeds.json"
    measured_speed(METHOD, setting, memory)
    first = memory.read_text()
    memory.unlink()

    def slow(bench: Any) -> dict[str, Any]:
        memory.write_text(first)
        return {**FIRST, "predict": 7e9}

    monkeypatch.setattr(speed, "_base_speed", slow)
    assert measured_speed(METHOD, setting, memory) == Speed(1e10, 2e9, 1e9, "bfloat16")


def test_a_speed_that_is_forgotten_is_measured_again(
    machine: Machine, setting: Any, tmp_path: Path
) -> None:
    memory = tmp_path / "speeds.json"
    first = measured_speed(METHOD, setting, memory)
    forget_speed(METHOD, setting.base, memory)
    assert measured_speed(METHOD, setting, memory) != first
