"""One immutable file of cached features: written whole, checked whole when read."""

from __future__ import annotations

import os
import zlib
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.files import replacing
from headstart.train.embed import Values

ID_BYTES = 32
SUFFIX = ".safetensors"


class DamagedShard(Exception):  # noqa: N818 - never leaves the cache, no one sees it as an error
    """A shard's content is not what was written."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Features of some samples.

    Attributes:
        ids: N sample ids of 32 ASCII characters.
        sizes: (N,) int64 work of each sample.
        counts: (N,) int64 rows of ``values`` of each sample: its words, or 1 if not ``words``.
        values: (sum of counts, D) float32.
        words: Whether samples are word inputs.
        seconds: What computing the shard took.
    """

    ids: list[str]
    sizes: NDArray[np.int64]
    counts: NDArray[np.int64]
    values: NDArray[np.float32]
    words: bool
    seconds: float

    @classmethod
    def of(
        cls, ids: Sequence[str], sizes: NDArray[np.int64], values: Values, seconds: float
    ) -> Shard:
        """Return the shard of samples with these features."""
        if isinstance(values, list):
            counts = np.array([len(words) for words in values], dtype=np.int64)
            return cls(list(ids), sizes, counts, np.concatenate(values), True, seconds)
        return cls(list(ids), sizes, np.ones(len(values), np.int64), values, False, seconds)

    def starts(self) -> NDArray[np.int64]:
        """Return (N,) first row of each sample in ``values``."""
        return np.cumsum(self.counts) - self.counts

    def write(self, path: Path) -> None:
        """Write to ``path``: a reader sees the whole file or none.

        Raises:
            WorkError: The place cannot be written to.
        """
        from safetensors.numpy import save

        tensors: dict[str, NDArray[Any]] = {
            "ids": np.frombuffer("".join(self.ids).encode("ascii"), np.uint8),
            "sizes": self.sizes,
            "counts": self.counts,
            "values": np.ascontiguousarray(self.values),
        }
        metadata = {"crc": str(_checksum(tensors)), "words": str(int(self.words))}
        raw = save(tensors, metadata | {"seconds": repr(self.seconds)})
        with replacing(path) as beside:
            beside.write_bytes(raw)


def read(path: Path, wanted: Container[str]) -> Shard | None:
    """Return the shard in ``path``, memory-mapped until its values are copied.

    None if it holds no sample that is ``wanted``: then nothing but its ids is read.

    Raises:
        DamagedShard: It is truncated, or a byte has changed.
        FileNotFoundError: It is gone.
    """
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        raise FileNotFoundError(path)
    try:
        with safe_open(os.fspath(path), framework="np") as opened:
            metadata = opened.metadata()
            ids = _split(opened.get_tensor("ids").tobytes().decode("ascii"))
            if not any(one in wanted for one in ids):
                return None
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        if int(metadata["crc"]) != _checksum(tensors):
            raise DamagedShard(path)
        return Shard(
            ids=ids,
            sizes=tensors["sizes"],
            counts=tensors["counts"],
            values=tensors["values"],
            words=metadata["words"] == "1",
            seconds=float(metadata["seconds"]),
        )
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise DamagedShard(path) from error


def _split(ids: str) -> list[str]:
    return [ids[start : start + ID_BYTES] for start in range(0, len(ids), ID_BYTES)]


def _checksum(tensors: dict[str, NDArray[Any]]) -> int:
    crc = 0
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        crc = zlib.crc32(array.data, zlib.crc32(f"{name}{array.shape}".encode(), crc))
    return crc
