"""What does not fit in memory is refused, or split, before it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headstart.method.model import Need
from headstart.study import room
from headstart.study.arm import Arm
from headstart.study.bill import BESIDE
from headstart.study.purse import step_flop
from headstart.study.room import SPARED, has_room
from headstart.train.guard import Ceiling

from .helpers import context_of, text_task
from .racing import Made, always, made_bench

GIGABYTE = 10**9
TASK = text_task(4, 4)


@pytest.fixture
def arm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(room, "available_bytes", lambda device: 10 * GIGABYTE)
    bench = made_bench(TASK)
    held = tmp_path / "ceiling.json"
    bench.ceiling = lambda: Ceiling.remembered(4096, held)
    return Arm(Made("lora", always([])), bench, alone=True)


def test_what_fits_starts_as_it_is(arm: Arm, tmp_path: Path) -> None:
    assert has_room(context_of(tmp_path, TASK), arm, Need(GIGABYTE, 1e5, 100))
    assert arm.bench is not None
    assert (arm.bench.ceiling().units, arm.story) == (4096, [])


def test_batches_that_do_not_fit_are_split_and_it_is_said(arm: Arm, tmp_path: Path) -> None:
    need = Need(GIGABYTE, 1e7, 100)  # 4,096 units would take 42 GB
    assert has_room(context_of(tmp_path, TASK), arm, need)
    assert arm.bench is not None
    units = arm.bench.ceiling().units
    assert need.bytes(units) <= SPARED * 10 * GIGABYTE / BESIDE < need.bytes(units + 1)
    assert f"at most {units} units" in arm.story[0]
    assert "the effective batch is the same" in arm.story[0]


@pytest.mark.parametrize("need", [Need(4.6 * GIGABYTE, 1.0, 1), Need(1.0, 1e8, 100)])
def test_what_cannot_fit_is_refused_with_what_it_takes(
    arm: Arm, tmp_path: Path, need: Need
) -> None:
    assert not has_room(context_of(tmp_path, TASK), arm, need)
    (record,) = arm.trials
    assert record.status == "skipped"
    assert record.error is not None
    assert "9.0 GB are free" in record.error
    assert "probe" in record.error


def test_what_fits_only_with_activations_computed_again_is_trained_so(
    arm: Arm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert arm.bench is not None
    plain, spared = Need(GIGABYTE, 1e8, 100), Need(GIGABYTE, 1e7, 100)

    def needed(context: object, arm: Arm) -> Need:
        assert arm.bench is not None
        return spared if "lora" in arm.bench.again else plain

    monkeypatch.setattr(room, "needed", needed)
    before = step_flop(arm, 4)
    assert has_room(context_of(tmp_path, TASK), arm, plain)
    assert arm.bench.again == {"lora"}
    assert "computed again in the backward pass" in arm.story[0]
    assert step_flop(arm, 4) == pytest.approx(4 / 3 * before)
    assert spared.bytes(arm.bench.ceiling().units) <= SPARED * 10 * GIGABYTE / BESIDE


def test_what_fits_only_with_small_moments_is_trained_so(
    arm: Arm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert arm.bench is not None
    plain, spared = Need(9 * GIGABYTE, 1e5, 100), Need(3 * GIGABYTE, 1e5, 100)

    def needed(context: object, arm: Arm) -> Need:
        assert arm.bench is not None
        return spared if "lora" in arm.bench.small else plain

    monkeypatch.setattr(room, "needed", needed)
    monkeypatch.setattr(room, "fault", lambda kind: None)
    assert has_room(context_of(tmp_path, TASK), arm, plain)
    assert (arm.bench.small, arm.bench.again) == ({"lora"}, set())
    assert room.moments(arm) == {"moments": "8-bit"}
    assert "moments in 8 bits" in arm.story[0]


def test_small_moments_are_not_counted_on_where_they_do_not_work(
    arm: Arm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "needed", lambda context, arm: Need(3 * GIGABYTE, 1.0, 1))
    monkeypatch.setattr(room, "fault", lambda kind: "no such package")
    assert arm.bench is not None
    arm.bench.again.add("lora")
    assert not has_room(context_of(tmp_path, TASK), arm, Need(9 * GIGABYTE, 1.0, 1))
    assert room.moments(arm) == {}


def test_what_does_not_fit_even_so_is_refused(
    arm: Arm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "needed", lambda context, arm: Need(1.0, 1e8, 100))
    assert not has_room(context_of(tmp_path, TASK), arm, Need(1.0, 2e8, 100))
    assert arm.bench is not None
    assert arm.bench.again == set()


def test_where_the_system_does_not_say_it_is_tried(
    arm: Arm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "available_bytes", lambda device: None)
    assert has_room(context_of(tmp_path, TASK), arm, Need(1e15, 1e9, 1))
    assert has_room(context_of(tmp_path, TASK), arm, None)


def test_a_need_counts_at_least_the_largest_input() -> None:
    assert Need(10.0, 2.0, 100).bytes(5) == 210.0
    assert Need(10.0, 2.0, 100).bytes(500) == 1010.0


def test_the_device_that_is_asked_is_the_bases(
    arm: Arm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(room, "available_bytes", lambda device: asked.append(device))
    has_room(context_of(tmp_path, TASK), arm, Need(1.0, 1.0, 1))
    assert arm.bench is not None
    assert asked == [arm.bench.pristine.device()]
