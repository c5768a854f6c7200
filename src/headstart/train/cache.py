"""The feature cache: every forward pass through a frozen trunk happens once.

Under ``root`` lies one folder for each (base revision, preprocessing, layer), and in it immutable
shards of some thousand samples each (:mod:`headstart.train.shard`). A shard appears by a rename,
is checked by its checksum when read, and is copied out at once: so readers, writers and the
eviction of old shards need no lock, in one process or many.

The samples of a request are taken in the order of their ids and cut into chunks of a fixed size;
of each chunk what is missing is computed and kept as one shard. A killed pass goes on after its
last whole chunk and computes the rest in the very batches of a run that was never killed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.base.model import Batch, Encoder
from headstart.errors import HeadstartError
from headstart.files import digest, drop_oldest
from headstart.progress import Progress, Silent
from headstart.task.model import Input
from headstart.train import shard as shards
from headstart.train.backend.bfloat16 import BFloat16
from headstart.train.backend.choose import choose, requested
from headstart.train.backend.model import Backend
from headstart.train.embed import (
    Values,
    chunk_size,
    embed_chunks,
    forward_flop_per_unit,
)
from headstart.train.shard import DamagedShard, Shard

LAYER = "pooled"
LIMIT_BYTES = 20 * 1024**3
_IN_MEMORY_BYTES = 4 * 1024**3  # features beyond this lie in an unnamed file, memory-mapped
_FORMAT = "1"  # changes with the layout of a shard


@dataclass(frozen=True, slots=True)
class Features:
    """Frozen features of a request.

    Attributes:
        values: (N, D) float32 (memory-mapped where large), or for word inputs N arrays (W_i, D).
        seconds: What computing them took when they were computed, whenever that was.
        flop: Operations of computing them, each distinct input once; no measurement, so the
            same on every run.
        cached: How many of the N came from the cache.
    """

    values: Values
    seconds: float
    flop: float
    cached: int


class FeatureCache:
    """Keeps features on disk, bounded, for many processes at once.

    Args:
        root: Folder; by default ``features`` in ``$HEADSTART_CACHE``, else in the user's cache.
        limit_bytes: Beyond this the shards that were longest not used are dropped.
    """

    def __init__(self, root: Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        self.root = default_root() if root is None else root
        self.limit_bytes = limit_bytes
        self._writable = True

    def features(
        self,
        encoder: Encoder,
        inputs: Sequence[Input],
        ids: Sequence[str],
        *,
        progress: Progress | None = None,
        label: str = "features",
        rounded: bool = False,
    ) -> Features:
        """Return the features of ``inputs``; only what no one computed before is computed.

        Where the cache cannot be read or written the features are computed all the same, and
        ``progress`` is told once.

        Args:
            encoder: The base with its own weights, those that ``encoder.card.revision`` names.
            inputs: N inputs of one type.
            ids: N content hashes of the inputs; equal ids are computed once.
            progress: Who watches.
            label: What the progress bar says.
            rounded: Whether features rounded to bfloat16 will do, where they come sooner.
        """
        watcher = progress or Silent()
        keys = [_key(id_) for id_ in ids]
        first = {key: row for row, key in reversed(list(enumerate(keys)))}
        found = self._recalled(encoder, first, len(keys), watcher, rounded)
        cached = sum(found.has(key) for key in keys)
        missing = found.missing_chunks(chunk_size(encoder))
        if missing:
            count = sum(len(chunk) for chunk in missing)
            chunks = ([inputs[first[key]] for key in chunk] for chunk in missing)
            engine: list[Backend] = []

            def chosen(encoder: Encoder, samples: Sequence[Batch], count: int) -> Backend:
                engine.append(choose(encoder, samples, count, self.root.parent, rounded))
                return engine[0]

            with watcher.bar(label, count) as advance:
                fresh = embed_chunks(encoder, chunks, count, chosen, advance)
                for chunk, part in zip(missing, fresh, strict=True):
                    new = Shard.of(chunk, part.sizes, part.values, part.seconds)
                    found.add(new)
                    folder = self._folder(encoder, isinstance(engine[0], BFloat16))
                    self._keep(folder, new, watcher)
        if not keys:
            empty = np.empty((0, encoder.card.width), dtype=np.float32)
            return Features(empty, 0.0, 0.0, 0)
        flop = forward_flop_per_unit(encoder) * found.size()
        return Features(found.values(keys), found.seconds, flop, cached)

    def missing(self, encoder: Encoder, ids: Sequence[str], rounded: bool = False) -> list[int]:
        """Return the rows whose features would have to be computed, of equal ids the first."""
        keys = [_key(id_) for id_ in ids]
        first = {key: row for row, key in reversed(list(enumerate(keys)))}
        found = self._recalled(encoder, first, len(keys), Silent(), rounded)
        return sorted(row for key, row in first.items() if not found.has(key))

    def _recalled(
        self, encoder: Encoder, first: dict[str, int], rows: int, watcher: Progress, rounded: bool
    ) -> _Found:
        """Return what is known; exact features before rounded ones, where these will do."""
        found = _Found(first, rows)
        folders = [self._folder(encoder), *([self._folder(encoder, True)] if rounded else [])]
        for folder in dict.fromkeys(folders):
            for old in self._known(folder, first, watcher):
                found.add(old)
        return found

    def _folder(self, encoder: Encoder, rounded: bool = False) -> Path:
        apart = rounded or requested() == "bfloat16"  # shared by no float32 engine
        name = (_FORMAT, encoder.card.revision, encoder.preprocessing(), LAYER)
        return self.root / digest(*name, *(("bfloat16",) if apart else ()))

    def _known(self, folder: Path, wanted: dict[str, int], progress: Progress) -> Iterator[Shard]:
        """Yield the shards in ``folder`` that hold a wanted sample; drop damaged ones."""
        for path in sorted(folder.glob(f"*{shards.SUFFIX}")):
            try:
                known = shards.read(path, wanted)
            except FileNotFoundError:  # dropped by another process just now
                continue
            except DamagedShard:
                progress.say(f"feature cache: {path} is damaged; it is computed again")
                with suppress(OSError):
                    path.unlink()
                continue
            if known is not None:
                with suppress(OSError):
                    os.utime(path)  # used now: the last to be dropped
                yield known

    def _keep(self, folder: Path, new: Shard, progress: Progress) -> None:
        if not self._writable:
            return
        path = folder / f"{digest(*new.ids)}{shards.SUFFIX}"
        try:
            new.write(path)
            drop_oldest(self.root.glob(f"*/*{shards.SUFFIX}"), self.limit_bytes, newest=path)
        except (HeadstartError, OSError) as error:
            self._writable = False
            reason = error.what if isinstance(error, HeadstartError) else str(error)
            progress.say(f"features are not cached ({self.root}: {reason}); the work goes on")


class _Found:
    """The samples of one request as they come in, each at the row that first asks for it.

    Args:
        first: The row of each key.
        rows: Of the request.
    """

    def __init__(self, first: dict[str, int], rows: int) -> None:
        self._row, self._rows = first, rows
        self._known = np.zeros(rows, dtype=bool)
        self._sizes = np.zeros(rows, dtype=np.int64)
        self._matrix: NDArray[np.float32] | None = None
        self._words: dict[int, NDArray[np.float32]] = {}
        self.seconds = 0.0

    def has(self, key: str) -> bool:
        return bool(self._known[self._row[key]])

    def add(self, shard: Shard) -> None:
        """Take from ``shard`` what is wanted and not known yet."""
        pairs = [
            (row, place)
            for place, key in enumerate(shard.ids)
            if (row := self._row.get(key)) is not None and not self._known[row]
        ]
        if not pairs:
            return
        rows, places = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
        starts = shard.starts()
        if shard.words:
            for row, place in pairs:
                begin = starts[place]
                self._words[row] = shard.values[begin : begin + shard.counts[place]].copy()
        else:
            if self._matrix is None:
                self._matrix = _space(self._rows, shard.values.shape[1])
            self._matrix[rows] = shard.values[starts[places]]
        self._known[rows] = True
        self._sizes[rows] = shard.sizes[places]
        self.seconds += shard.seconds * len(pairs) / len(shard.ids)

    def missing_chunks(self, step: int) -> list[list[str]]:
        """Return what is missing of each run of ``step`` keys, where anything is."""
        keys = sorted(self._row)
        runs = (keys[start : start + step] for start in range(0, len(keys), step))
        chunks = ([key for key in run if not self.has(key)] for run in runs)
        return [chunk for chunk in chunks if chunk]

    def size(self) -> int:
        """Return the work of all samples."""
        return int(self._sizes.sum())

    def values(self, keys: Sequence[str]) -> Values:
        """Return the features of ``keys``, in their order."""
        if self._matrix is None:
            return [self._words[self._row[key]] for key in keys]
        for row, key in enumerate(keys):
            if row != self._row[key]:
                self._matrix[row] = self._matrix[self._row[key]]
        return self._matrix


def default_root() -> Path:
    """Return ``$HEADSTART_CACHE/features``, else the user's cache folder for it."""
    if chosen := os.environ.get("HEADSTART_CACHE"):
        return Path(chosen) / "features"
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "headstart" / "features"


def _key(id_: str) -> str:
    plain = len(id_) == shards.ID_BYTES and id_.isascii()
    return id_ if plain else digest(id_)


def _space(rows: int, width: int) -> NDArray[np.float32]:
    """Return room for (rows, width) float32: in memory, or in an unnamed file where large."""
    if rows * width * 4 <= _IN_MEMORY_BYTES:
        return np.empty((rows, width), dtype=np.float32)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype=np.float32, mode="w+", shape=(rows, width))
