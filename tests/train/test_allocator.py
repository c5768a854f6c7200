"""Kept memory: asked of glibc only, and real where it is asked."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from headstart.train import allocator

_FAULTS = """
import resource
import numpy
from headstart.train.allocator import keep_memory
{call}
def touch():
    numpy.zeros(4 << 20, dtype=numpy.uint8).fill(1)
touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    touch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

_HOLES = """
import numpy
from headstart.measure.memory import resident_bytes
from headstart.train.allocator import giving_back, keep_memory
keep_memory()
with giving_back():
    held = [numpy.ones(1 << 20, dtype=numpy.uint8) for _ in range(200)]
    del held[:-1]  # the last one lies above the hole
    before = resident_bytes()
print(before - resident_bytes())
"""


@pytest.fixture(autouse=True)
def forgotten():
    allocator.keep_memory.cache_clear()
    yield
    allocator.keep_memory.cache_clear()


def page_faults(call: str) -> int:
    return printed(_FAULTS.format(call=call))


def printed(script: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")
def test_a_freed_buffer_is_used_again_without_page_faults():
    assert page_faults("pass") > 10 * max(1, page_faults("assert keep_memory()"))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has malloc_trim")
def test_holes_are_given_back():
    assert printed(_HOLES) > 150 << 20


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: pytest.fail("touched the C library"))
    assert allocator.keep_memory() is False
    with allocator.giving_back():
        pass


def test_a_c_library_without_mallopt_is_no_error(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: object())
    assert allocator.keep_memory() is False
    with allocator.giving_back():
        pass
