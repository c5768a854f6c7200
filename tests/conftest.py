"""Tiny data sets that every room's tests may use, and the way to the real ones."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path

import numpy as np
import pytest

pytest_plugins = ["tests.postgres"]

# No test may read or fill the ledger of whoever runs it; those about ledgers name their own.
os.environ["HEADSTART_LEDGER"] = "none"
# Nor what clients of hubs keep: they remember for weeks what they once sent to an address.
_HOME = tempfile.mkdtemp(prefix="headstart-hf-")
os.environ["HF_HOME"] = _HOME
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
# A shell that starts the tests in the background has Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

_SHARED = Path(__file__).resolve().parents[1] / "../shared/data"
_WORDS = {
    "sport": "goal match team league coach striker stadium referee season score",
    "food": "soup bread oven recipe butter chef dinner spice flavour kitchen",
    "money": "bank loan stock market price tax profit budget interest shares",
}
_COLOURS = {"red": (200, 40, 40), "green": (40, 180, 60), "blue": (40, 60, 200)}


@pytest.fixture
def shared_data() -> Path:
    """Return the folder of real data sets; where there is none, the test is skipped."""
    root = Path(os.environ.get("HEADSTART_SHARED_DATA", _SHARED))
    if not root.is_dir():
        pytest.skip("needs the real data sets of ../shared/data, which this machine lacks")
    return root.resolve()


@pytest.fixture
def tiny_text_csv(tmp_path: Path) -> Path:
    """90 short texts of 3 classes that single words tell apart: columns text, label."""
    rng = np.random.default_rng(0)
    lines = ["text,label"]
    for label, words in _WORDS.items():
        for number in range(30):
            lines.append(f"{' '.join(rng.choice(words.split(), 5))} {number},{label}")
    path = tmp_path / "tiny.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def tiny_image_folder(tmp_path: Path) -> Path:
    """45 noisy images, 24 x 24, in 3 class folders that their colour tells apart."""
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    folder = tmp_path / "shapes"
    for label, colour in _COLOURS.items():
        (folder / label).mkdir(parents=True)
        for number in range(15):
            pixels = rng.normal(colour, 25, (24, 24, 3)).clip(0, 255).astype(np.uint8)
            image.fromarray(pixels).save(folder / label / f"{number}.png")
    return folder
