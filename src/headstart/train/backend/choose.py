"""Which backend embeds a job: measured on its own first inputs, and remembered.

What is measured is kept in ``backends.json`` in the cache folder, for each base, usual length of an
input and machine: the seconds a unit takes by each backend, or null where one does not hold the
float32 reference. A backend is tried only in a job so long that trying costs little of it.
"""

from __future__ import annotations

import logging
import math
import os
import platform
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.base.model import Batch, Encoder
from headstart.errors import RequestError, nearest
from headstart.files import digest
from headstart.task.model import Modality
from headstart.train.backend.bfloat16 import BFloat16
from headstart.train.backend.eager import Eager
from headstart.train.backend.model import Backend
from headstart.train.backend.onednn import OneDnn
from headstart.train.backend.onnx import Onnx, graph_path
from headstart.train.backend.parallel import run
from headstart.train.remember import recall, remember

ENVIRONMENT = "HEADSTART_EMBED"
NAMES = ("eager", "onednn", "onnx", "bfloat16")
MEMORY = "backends.json"
LEAST_COSINE = 0.999  # of any backend with the reference
DRIFT = 1e-4  # of a float32 backend: of a feature, or of the largest where that is above 1

_SHORT_JOB = {Modality.TEXT: 100_000, Modality.IMAGE: 1_000}  # units; below, nothing is measured
_TOKENS = 512  # of a batch that is timed
_REPEATS = 2
# Seconds that a job must take in eager mode before a backend is tried for the first time, and
# what starting it costs each time.
_WORTH_TRYING = {
    Modality.TEXT: {"onednn": 10.0, "onnx": 120.0},
    Modality.IMAGE: {"onednn": 40.0, "onnx": 40.0},
}
_WORTH_OPENING = 10.0  # onnx, its graph being there already
_STARTING = {"eager": 0.0, "onednn": 0.0, "onnx": 1.0}

_log = logging.getLogger(__name__)


def choose(encoder: Encoder, samples: Sequence[Batch], count: int, folder: Path) -> Backend:
    """Return the backend for a job.

    Args:
        encoder: In evaluation mode, with the weights that its card's revision names.
        samples: The first of the job, encoded.
        count: Inputs of the whole job.
        folder: The cache.

    Raises:
        RequestError: The environment asks for a backend that there is not.
        WorkError: The one it asks for cannot run this encoder.
    """
    wanted = requested()
    if wanted is not None:
        return _as_wanted(wanted, encoder, samples, folder)
    eager = Eager(encoder)
    image = encoder.card.modality is Modality.IMAGE
    units = count * sum(encoder.size(sample) for sample in samples) / len(samples)
    short = units < _SHORT_JOB[Modality.IMAGE if image else Modality.TEXT]
    if short or encoder.device().type != "cpu":
        return eager
    return _Trial(encoder, samples, folder).best(units)


def requested() -> str | None:
    """Return the backend that the environment variable ``HEADSTART_EMBED`` names, or None.

    Raises:
        RequestError: There is none of this name.
    """
    wanted = os.environ.get(ENVIRONMENT, "").strip()
    if wanted and wanted not in NAMES:
        raise RequestError(
            f"unknown way to embed '{wanted}'",
            where=f"environment variable {ENVIRONMENT}",
            mend=nearest(wanted, NAMES),
        )
    return wanted or None


def _as_wanted(name: str, encoder: Encoder, samples: Sequence[Batch], folder: Path) -> Backend:
    backend = _made(name, encoder, "word_ids" in samples[0], folder)
    eager = Eager(encoder)
    if name == "eager" or _holds(backend, eager, _typical(encoder, samples), name):
        return backend
    _log.warning("%s: %s does not hold the float32 features", encoder.card.reference, name)
    return eager


def _made(name: str, encoder: Encoder, words: bool, folder: Path) -> Backend:
    if name == "onnx":
        return Onnx(encoder, words, folder)
    return {"eager": Eager, "onednn": OneDnn, "bfloat16": BFloat16}[name](encoder)


class _Trial:
    """What is known, and found out, of one encoder on one kind of input on this machine."""

    def __init__(self, encoder: Encoder, samples: Sequence[Batch], folder: Path) -> None:
        self.encoder, self.folder = encoder, folder
        self.words = "word_ids" in samples[0]
        self.batches = _typical(encoder, samples)
        self.eager = Eager(encoder)
        self.memory = folder / MEMORY
        self.name = _name(encoder, samples)
        self.seconds = _usable(recall(self.memory, self.name))  # a unit
        self.made: dict[str, Backend] = {"eager": self.eager}

    def best(self, units: float) -> Backend:
        """Return the fastest for so many units; a backend that fails is out."""
        before = dict(self.seconds)
        if "eager" not in self.seconds:
            self.seconds["eager"] = self._timed(self.eager)
        whole = units * (self.seconds["eager"] or 0.0)
        for name in ("onednn", "onnx"):
            if name not in self.seconds and whole >= self._worth(name):
                backend = self._sound(name)
                self.seconds[name] = None if backend is None else self._timed(backend)
        if self.seconds != before:
            remember(self.memory, self.name, self.seconds)
        return self._fastest(units)

    def _fastest(self, units: float) -> Backend:
        known = {
            name: units * seconds + _STARTING[name]
            for name, seconds in self.seconds.items()
            if seconds is not None
        }
        for name in sorted(known, key=known.__getitem__):
            if backend := self._sound(name):
                return backend
        return self.eager

    def _worth(self, name: str) -> float:
        written = graph_path(self.encoder, self.words, self.folder).is_file()
        if name == "onnx" and written:
            return _WORTH_OPENING
        return _WORTH_TRYING[self.encoder.card.modality][name]

    def _sound(self, name: str) -> Backend | None:
        """Return the backend, or None where it cannot be had or gives other features."""
        if name in self.made:
            return self.made[name]
        try:
            backend = _made(name, self.encoder, self.words, self.folder)
            sound = _holds(backend, self.eager, self.batches[:1], name)
        except Exception as error:  # whatever a foreign engine raises: eager serves
            _log.debug("%s cannot embed with %s: %s", self.encoder.card.reference, name, error)
            return None
        if not sound:
            return None
        self.made[name] = backend
        return backend

    def _timed(self, backend: Backend) -> float:
        """Return the seconds of a unit, to three digits."""
        units = sum(_units(batch) for batch in self.batches) * backend.workers
        return float(f"{_least_seconds(backend, self.batches) / units:.2e}")


def _usable(found: dict[str, Any] | None) -> dict[str, float | None]:
    """Return what was measured before, nothing where that is damaged."""
    good = found and all(
        name in _STARTING and (value is None or _is_seconds(value)) for name, value in found.items()
    )
    return dict(found) if found and good and found.get("eager") is not None else {}


def _is_seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and value > 0 and math.isfinite(value)


def _name(encoder: Encoder, samples: Sequence[Batch]) -> str:
    sizes = sorted(encoder.size(sample) for sample in samples)
    length = round(math.log2(max(1, sizes[len(sizes) // 2])))
    machine = (
        platform.machine(), torch.backends.cpu.get_cpu_capability(), str(os.cpu_count()),
        str(torch.get_num_threads()), torch.__version__,
    )  # fmt: skip
    words = str("word_ids" in samples[0])
    return digest(encoder.card.revision, encoder.preprocessing(), str(length), words, *machine)


def _typical(encoder: Encoder, samples: Sequence[Batch]) -> list[Batch]:
    """Return two batches without padding, of inputs shorter and longer than most."""
    image = encoder.card.modality is Modality.IMAGE
    of_size: dict[int, list[Batch]] = defaultdict(list)
    for sample in samples:
        of_size[encoder.size(sample)].append(sample)
    sizes = sorted(encoder.size(sample) for sample in samples)
    quarters = sorted({sizes[len(sizes) // 4], sizes[len(sizes) * 3 // 4]})
    batches = []
    for size in quarters:
        rows = Eager.images if image else max(1, _TOKENS // max(1, size))
        batches.append(
            encoder.collate([of_size[size][row % len(of_size[size])] for row in range(rows)])
        )
    return batches


def _units(batch: Batch) -> int:
    first = next(iter(batch.values()))
    return first.shape[0] * (first.shape[1] if first.ndim == 2 else 1)


def _holds(backend: Backend, eager: Eager, batches: Sequence[Batch], name: str) -> bool:
    """Whether the features agree with the reference; float32 must agree to rounding."""
    for batch in batches:
        found, expected = backend.features(batch), eager.features(batch)
        if found.shape != expected.shape or not np.isfinite(found).all():
            return False
        if least_cosine(found, expected) < LEAST_COSINE:
            return False
        allowed = DRIFT * max(1.0, float(np.abs(expected).max()))
        if name != "bfloat16" and float(np.abs(found - expected).max()) > allowed:
            return False
    return True


def least_cosine(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Return the least cosine of two features of one input; zeros agree with zeros."""
    left, right = found.astype(np.float64), expected.astype(np.float64)
    lengths = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
    cosines = (left * right).sum(-1) / np.where(lengths > 0, lengths, 1.0)
    return float(np.where((left == right).all(axis=-1), 1.0, cosines).min(initial=1.0))


def _least_seconds(backend: Backend, batches: Sequence[Batch]) -> float:
    """Return the seconds of all batches, each as often as the backend takes one at once."""
    makers: list[Callable[[], Batch]] = [
        partial(dict, batch) for batch in batches for _ in range(backend.workers)
    ]
    seconds = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        deque(run(backend, makers), maxlen=0)
        seconds.append(time.perf_counter() - began)
    return min(seconds)
