"""What is measured on: banking77 of ../shared/data where it lies there, else packaged sets."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.base.decoder import Decoder
from headstart.base.reference import load, load_decoder
from headstart.progress import Silent
from headstart.task.build import build_task
from headstart.task.model import Image, Task
from headstart.train.cache import FeatureCache

BANKING = Path(__file__).resolve().parents[1] / "../shared/data/text/banking77"
PHOTOS = BANKING.parents[1] / "vision/hymenoptera.zip"
ALPACA = BANKING.parents[1] / "llm/instruct/alpaca-train.jsonl"
SMOLLM = "bundled:smollm2-135m"
MOST_PHOTOS = 256


def task() -> Task:
    """Return banking77 if it is here, else the emoji names."""
    return build_task(BANKING.resolve() if BANKING.is_dir() else "packaged:emojis")


def instructions() -> Task:
    """Return the alpaca rows if they are here, else small talk."""
    return build_task(ALPACA.resolve() if ALPACA.is_file() else "packaged:chatterbot")


def decoder() -> Decoder:
    """Return the bundled language model."""
    return load_decoder(SMOLLM)


def texts(name: str, count: int) -> tuple[list[str], str]:
    """Return texts of a set to embed, and what they are; without banking77, the emoji names."""
    found = task() if name == "banking77" else build_task(name)
    sample = [str(item) for item in found.train.inputs[:count]]
    return sample, f"{found.name}, {len(sample):,} texts"


def photos(folder: Path) -> tuple[list[Image], str]:
    """Return images as files, unpacked in ``folder``, and what they are; else the digits."""
    if PHOTOS.is_file():
        with zipfile.ZipFile(PHOTOS) as archive:
            archive.extractall(folder / "photos")
        files = sorted((folder / "photos").rglob("*.jpg"))[:MOST_PHOTOS]
        return [Image(path=file) for file in files], f"{len(files)} photos"
    files = []
    for number, image in enumerate(build_task("packaged:digits").train.inputs[:MOST_PHOTOS]):
        assert isinstance(image, Image)
        files.append(folder / f"{number}.png")
        files[-1].write_bytes(image.data or b"")
    return [Image(path=file) for file in files], f"{len(files)} digits"


def features() -> tuple[NDArray[np.float32], NDArray, NDArray[np.float32], NDArray, str]:
    """Return train features and targets, test features and targets, and what they are."""
    found, encoder, cache = task(), load("bundled:minilm-l6"), FeatureCache()
    train, test = (
        np.asarray(cache.features(encoder, p.inputs, p.ids, progress=Silent(), label="x").values)
        for p in (found.train, found.test)
    )
    name = f"{found.name} {train.shape[0]:,} x {train.shape[1]}, {len(found.classes)} classes"
    return train, np.asarray(found.train.targets), test, np.asarray(found.test.targets), name
