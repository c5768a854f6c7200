"""What is measured on: banking77 of ../shared/data where it lies there, else packaged sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.base.reference import load
from headstart.progress import Silent
from headstart.task.build import build_task
from headstart.task.model import Task
from headstart.train.cache import FeatureCache

BANKING = Path(__file__).resolve().parents[1] / "../shared/data/text/banking77"
MOST_TEXTS = 2000


def task() -> Task:
    """Return banking77 if it is here, else the emoji names."""
    return build_task(BANKING.resolve() if BANKING.is_dir() else "packaged:emojis")


def texts() -> tuple[list[str], str]:
    """Return texts to embed, and what they are."""
    found = task()
    sample = [str(item) for item in found.train.inputs[:MOST_TEXTS]]
    return sample, f"{found.name}, {len(sample):,} texts"


def features() -> tuple[NDArray[np.float32], NDArray, NDArray[np.float32], NDArray, str]:
    """Return train features and targets, test features and targets, and what they are."""
    found, encoder, cache = task(), load("bundled:minilm-l6"), FeatureCache()
    train, test = (
        np.asarray(cache.features(encoder, p.inputs, p.ids, progress=Silent(), label="x").values)
        for p in (found.train, found.test)
    )
    name = f"{found.name} {train.shape[0]:,} x {train.shape[1]}, {len(found.classes)} classes"
    return train, np.asarray(found.train.targets), test, np.asarray(found.test.targets), name
