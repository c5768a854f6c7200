"""A tiny base, tiny texts, one whole study of them, and a process that forks more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headstart

from ..kept import halves, learned, topics  # noqa: F401 (fixtures)
from ..taught import news, retained, taught  # noqa: F401 (fixtures)
from .helpers import WORDS, Runner, write_base


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studies")


@pytest.fixture(autouse=True)
def _cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(place / "cache"))


@pytest.fixture(scope="session")
def tiny_base(place: Path) -> str:
    return f"local:{write_base(place / 'bert')}"


@pytest.fixture(scope="session")
def tiny_csv(place: Path) -> Path:
    """90 short texts of 3 classes that single words tell apart: columns text, label."""
    rng = np.random.default_rng(0)
    lines = ["text,label"]
    for label, words in WORDS.items():
        lines += [f"{' '.join(rng.choice(words.split(), 5))} {n},{label}" for n in range(30)]
    path = place / "tiny.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def options(place: Path, tiny_base: str) -> dict[str, Any]:
    """What the studies of these tests are asked with."""
    return {"base": tiny_base, "method": ["probe", "finetune"], "budget": "2e9flop", "seeds": 2}


@pytest.fixture(scope="session")
def study(place: Path, tiny_csv: Path, options: dict[str, Any]) -> headstart.Study:
    """A whole study that nothing disturbed."""
    before = os.environ.get("HEADSTART_CACHE")
    os.environ["HEADSTART_CACHE"] = str(place / "cache")
    try:
        return headstart.adapt(tiny_csv, **options, out=place / "undisturbed")
    finally:
        os.environ.pop("HEADSTART_CACHE")
        if before is not None:
            os.environ["HEADSTART_CACHE"] = before


@pytest.fixture(scope="session")
def runner(place: Path, tiny_csv: Path, options: dict[str, Any]) -> Iterator[Runner]:
    aside = {"data": str(tiny_csv), "cache": str(place / "aside"), "out": str(place / "warm")}
    found = Runner({**options, **aside})
    yield found
    found.close()
