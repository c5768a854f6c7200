"""Encoded inputs held in memory up to a limit, and the order in which batches come."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from headstart.task.model import Image, Input
from headstart.train.network import Sample

MEMORY = 2 * 1024**3  # bytes of decoded images kept; past that they are decoded again each time
CHUNK = 256  # inputs encoded at once
POOL = 50  # batches that are sorted by size together, so that little is padded


class Samples:
    """The encoded inputs of one part.

    Args:
        encode: Turns inputs into samples (:meth:`headstart.train.network.Network.encode`).
        size: Work of a sample in the encoder's units.
        inputs: N inputs.
        memory: Bytes that encoded samples may take; texts are always kept, they are small.
    """

    def __init__(
        self,
        encode: Callable[[Sequence[Input]], list[Sample]],
        size: Callable[[Sample], int],
        inputs: Sequence[Input],
        memory: int = MEMORY,
    ) -> None:
        self._encode, self._inputs = encode, inputs
        self._kept: dict[int, Sample] = {}
        self._room = memory
        if inputs and isinstance(inputs[0], Image):
            self.sizes = [1] * len(inputs)
            return
        self.sizes = []
        for start in range(0, len(inputs), CHUNK):
            samples = encode(inputs[start : start + CHUNK])
            self._kept.update(enumerate(samples, start))
            self.sizes.extend(size(sample) for sample in samples)

    def __len__(self) -> int:
        return len(self._inputs)

    def below_flop(self, rows: Sequence[int], first: bool) -> float:
        """Return operations of a frozen part that a step on ``rows`` does not show: none here.

        Args:
            rows: Trained on or predicted.
            first: Whether the run visits them for the first time.
        """
        return 0.0

    def view(self, rows: Sequence[int] | NDArray[np.int64]) -> Samples:
        """Return only these rows, in this order, sharing what is in memory."""
        return _View(self, [int(row) for row in rows])

    def take(self, rows: Sequence[int]) -> list[Sample]:
        """Return the samples at ``rows``, encoding those that are not in memory."""
        missing = [row for row in rows if row not in self._kept]
        fresh: dict[int, Sample] = {}
        if missing:
            encoded = self._encode([self._inputs[row] for row in missing])
            fresh = dict(zip(missing, encoded, strict=True))
            for row, sample in fresh.items():
                weight = sum(t.nbytes for side in sample for t in side.values())
                if weight <= self._room:
                    self._room -= weight
                    self._kept[row] = sample
        return [self._kept[row] if row in self._kept else fresh[row] for row in rows]


class _View(Samples):
    """Some rows of other samples."""

    def __init__(self, whole: Samples, rows: list[int]) -> None:
        self._whole, self._rows = whole, rows
        self.sizes = [whole.sizes[row] for row in rows]

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rows: Sequence[int]) -> list[Sample]:
        """Return the samples at ``rows`` of the view."""
        return self._whole.take([self._rows[row] for row in rows])

    def below_flop(self, rows: Sequence[int], first: bool) -> float:
        """Return what the whole says of these rows."""
        return self._whole.below_flop([self._rows[row] for row in rows], first)


def batch_order(sizes: Sequence[int], batch: int, seed: int, epoch: int) -> list[list[int]]:
    """Return the rows of each batch of one epoch.

    Rows are shuffled, then sorted by size inside pools of :data:`POOL` batches, so that a batch
    holds inputs of like length; the order of the batches is shuffled again. The same arguments
    give the same order, which is what lets a killed run go on in mid-epoch.
    """
    generator = np.random.default_rng([seed, epoch])
    rows = generator.permutation(len(sizes))
    batches: list[list[int]] = []
    for start in range(0, len(rows), POOL * batch):
        pool = sorted(rows[start : start + POOL * batch].tolist(), key=lambda row: sizes[row])
        batches.extend(pool[first : first + batch] for first in range(0, len(pool), batch))
    return [batches[index] for index in generator.permutation(len(batches))]


def micro_batches(rows: list[int], sizes: Sequence[int], ceiling: int) -> list[list[int]]:
    """Split ``rows`` so that no piece, padded to its longest, has more than ``ceiling`` units."""
    pieces: list[list[int]] = []
    current: list[int] = []
    longest = 0
    for row in sorted(rows, key=lambda row: sizes[row]):
        longest = max(longest, sizes[row])
        if current and longest * (len(current) + 1) > ceiling:
            pieces.append(current)
            current, longest = [], sizes[row]
        current.append(row)
    return [*pieces, current] if current else pieces
