"""The memory of process and machine, as the system counts it."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest
import torch

from headstart.measure import memory
from headstart.measure.memory import Peak, available_bytes, resident_bytes

MEGABYTE = 10**6
linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux counts it")


@linux
def test_a_peak_holds_what_was_freed_again() -> None:
    peak, before = Peak(), resident_bytes()
    with mmap.mmap(-1, 50 * MEGABYTE) as block:  # pages of its own, whatever was freed before
        block.write(b"x" * (50 * MEGABYTE))
        held = resident_bytes()
    found = peak.bytes()
    assert before is not None
    assert held is not None
    assert found is not None
    assert held - before > 45 * MEGABYTE
    assert found >= held - MEGABYTE


@linux
def test_the_machine_has_memory_left() -> None:
    found = available_bytes(torch.device("cpu"))
    assert found is not None
    assert found > MEGABYTE


@pytest.mark.parametrize("content", ["", "VmRSS:\n", "VmRSS: many kB\n", None])
def test_where_the_system_does_not_say_there_is_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    monkeypatch.setattr(memory, "PROCESS", tmp_path / "self")
    if content is not None:
        (tmp_path / "self").mkdir()
        (tmp_path / "self" / "status").write_text(content)
    assert resident_bytes() is None
    assert Peak().bytes() is None
