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
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from headstart.base.model import Batch, Encoder
from headstart.errors import RequestError, UnwritableError, nearest
from headstart.files import digest
from headstart.task.model import Modality
from headstart.train.backend.bfloat16 import BFloat16
from headstart.train.backend.check import holds
from headstart.train.backend.eager import Eager
from headstart.train.backend.model import Backend
from headstart.train.backend.onednn import OneDnn
from headstart.train.backend.onnx import Onnx, graph_path
from headstart.train.backend.parallel import run
from headstart.train.remember import recall, remember

ENVIRONMENT = "HEADSTART_EMBED"
NAMES = ("eager", "onednn", "onnx", "bfloat16")
MEMORY = "backends.json"

_SHORT_JOB = {Modality.TEXT: 100_000, Modality.IMAGE: 1_000}  # units; below, nothing is measured
_TOKENS = 512  # of a batch that is timed
_REPEATS = 2
# Seconds that a job must take in eager mode before a backend is tried for the first time, and
# what starting it costs each time.
_WORTH_TRYING = {
    Modality.TEXT: {"bfloat16": 10.0, "onednn": 10.0, "onnx": 120.0},
    Modality.IMAGE: {"bfloat16": 40.0, "onednn": 40.0, "onnx": 40.0},
}
_WORTH_OPENING = 10.0  # onnx, its graph being there already
_STARTING = {"eager": 0.0, "bfloat16": 0.0, "onednn": 0.0, "onnx": 1.0}
_EXACT = ("onednn", "onnx")

_log = logging.getLogger(__name__)


def choose(
    encoder: Encoder, samples: Sequence[Batch], count: int, folder: Path, rounded: bool = False
) -> Backend:
    """Return the backend for a job.

    Args:
        encoder: In evaluation mode, with the weights that its card's revision names.
        samples: The first of the job, encoded.
        count: Inputs of the whole job.
        folder: The cache.
        rounded: Whether features rounded to bfloat16 will do (cosine of .999 with the reference).

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
    return _Trial(encoder, samples, folder, rounded).best(units)


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
    if name == "eager" or holds(backend, eager, _typical(encoder, samples), name != "bfloat16"):
        return backend
    _log.warning("%s: %s does not hold the float32 features", encoder.card.reference, name)
    return eager


def _made(name: str, encoder: Encoder, words: bool, folder: Path) -> Backend:
    if name == "onnx":
        return Onnx(encoder, words, folder)
    return {"eager": Eager, "onednn": OneDnn, "bfloat16": BFloat16}[name](encoder)


class _Trial:
    """What is known, and found out, of one encoder on one kind of input on this machine."""

    def __init__(
        self, encoder: Encoder, samples: Sequence[Batch], folder: Path, rounded: bool
    ) -> None:
        self.encoder, self.folder = encoder, folder
        self.names = ("bfloat16", *_EXACT) if rounded else _EXACT
        self.words = "word_ids" in samples[0]
        self.batches = _typical(encoder, samples)
        self.eager = Eager(encoder)
        self.memory = folder / MEMORY
        self.name = _name(encoder, samples)
        self.seconds = _usable(recall(self.memory, self.name))  # a unit
        self.made: dict[str, Backend] = {"eager": self.eager}
        self.refused: set[str] = set()

    def best(self, units: float) -> Backend:
        """Return the fastest for so many units; a backend that fails is out."""
        before = dict(self.seconds)
        if "eager" not in self.seconds:
            self.seconds["eager"] = self._timed(self.eager)
        whole = units * (self.seconds["eager"] or 0.0)
        for name in self.names:
            if name not in self.seconds and whole >= self._worth(name):
                backend = self._sound(name)
                if backend is not None or name in self.refused:
                    self.seconds[name] = None if backend is None else self._timed(backend)
        if self.seconds != before:
            remember(self.memory, self.name, self.seconds)
        return self._fastest(units)

    def _fastest(self, units: float) -> Backend:
        known = {
            name: units * seconds + _STARTING[name]
            for name, seconds in self.seconds.items()
            if seconds is not None and name in ("eager", *self.names)
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
            if holds(backend, self.eager, self.batches[:1], name in _EXACT):
                self.made[name] = backend
                return backend
            reason = "other features"
        except UnwritableError as error:  # no fault of the backend: another time
            _log.debug("%s is not kept: %s", name, error)
            return None
        except Exception as error:  # whatever a foreign engine raises: eager serves
            reason = str(error)
        _log.debug("%s: %s cannot embed it: %s", self.encoder.card.reference, name, reason)
        self.refused.add(name)
        return None

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
        str(torch.get_num_threads()), torch.__version__, _installed("onnxruntime"),
    )  # fmt: skip
    words = str("word_ids" in samples[0])
    return digest(encoder.card.revision, encoder.preprocessing(), str(length), words, *machine)


def _installed(package: str) -> str:
    """Return its version, so that a later one, or the first, is measured for itself."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


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
