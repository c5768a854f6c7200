"""Samples that carry what the frozen part of a network says of them: computed once an input."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from headstart.base.model import Encoder
from headstart.train.boundary import HIDDEN, Boundary, hidden_states
from headstart.train.network import Sample
from headstart.train.samples import Samples

MEMORY = 1024**3  # bytes of states kept a part; past that they are computed again each time


class States(Samples):
    """Samples that also carry what the frozen part says of them, kept up to a limit.

    Which rows are kept hangs on their sizes alone, so that a run costs the same again.

    Args:
        samples: Of one part.
        boundary: Where the frozen part ends.
        encoder: With the frozen weights, in evaluation mode; never trained.
        dtype: Of the matrix products.
        below: Operations of the frozen part, a unit.
        memory: Bytes that may be kept.
    """

    def __init__(
        self,
        samples: Samples,
        boundary: Boundary,
        encoder: Encoder,
        dtype: torch.dtype,
        below: float,
        memory: int = MEMORY,
    ) -> None:
        self._samples, self._boundary, self._encoder = samples, boundary, encoder
        self._dtype, self._below = dtype, below
        self.sizes = samples.sizes
        self._hidden: dict[int, list[Tensor]] = {}
        self._room = memory

    def __len__(self) -> int:
        return len(self._samples)

    def take(self, rows: Sequence[int]) -> list[Sample]:
        """Return the samples at ``rows``, each side with its :data:`HIDDEN`."""
        samples = dict(zip(rows, self._samples.take(rows), strict=True))
        missing = [row for row in samples if row not in self._hidden]
        fresh = self._reach({row: samples[row] for row in missing}) if missing else {}
        self._hidden.update({row: found for row, found in fresh.items() if row < self._fits})
        known = {**fresh, **self._hidden}
        return [
            tuple(
                {**side, HIDDEN: hidden}
                for side, hidden in zip(samples[row], known[row], strict=True)
            )
            for row in rows
        ]

    def _reach(self, samples: dict[int, Sample]) -> dict[int, list[Tensor]]:
        sides = [side for sample in samples.values() for side in sample]
        found = iter(hidden_states(self._boundary, self._encoder, sides, self._dtype))
        return {row: [next(found) for _ in sample] for row, sample in samples.items()}

    @cached_property
    def _fits(self) -> int:
        """How many rows, from the first on, are kept."""
        hidden = self._reach({0: self._samples.take([0])[0]})[0]
        unit = sum(tensor.nbytes for tensor in hidden) / self.sizes[0]
        return _within(self.sizes, self._room / unit)

    def below_flop(self, rows: Sequence[int], first: bool) -> float:
        """Return the operations of the frozen part: on the first visit, or where none is kept."""
        units = sum(self.sizes[row] for row in rows if first or row >= self._fits)
        return self._below * units


def _within(sizes: Sequence[int], units: float) -> int:
    """Return how many of the first rows have no more than ``units`` together."""
    for row, size in enumerate(sizes):
        units -= size
        if units < 0:
            return row
    return len(sizes)
