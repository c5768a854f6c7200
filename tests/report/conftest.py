"""The made-up studies, and one headless browser for all tests that look at a page."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _load(name: str, path: Path) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def factory() -> ModuleType:
    """Return tests/report/factory.py."""
    return _load("report_factory", Path(__file__).with_name("factory.py"))


@pytest.fixture(scope="session")
def screenshots() -> ModuleType:
    """Return scripts/screenshots.py."""
    return _load("screenshots", ROOT / "scripts" / "screenshots.py")


@pytest.fixture(scope="session")
def browser(screenshots: ModuleType) -> Iterator[Any]:
    """Return a headless Chromium; where there is none, the test is skipped."""
    if screenshots.find_chromium() is None:
        pytest.skip("needs chromium on the PATH, which this machine lacks")
    with screenshots.Browser() as running:
        yield running
