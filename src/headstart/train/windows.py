"""Texts as the sequences that a language model reads, none longer than it reads at once."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.base.decoder import Decoder
from headstart.base.model import Batch
from headstart.task.model import Input
from headstart.train.samples import CHUNK, Samples


class Windows(Samples):
    """The encoded texts of one part; a long one is several windows.

    Windows of a text do not overlap: the first token of each is predicted from the last of the
    one before (lm-eval's rolling windows with one token of context), so that every token of a
    text is scored once.

    Args:
        decoder: Encodes.
        inputs: N texts or dialogues.

    Attributes:
        places: N lists of windows, by their place.
    """

    def __init__(self, decoder: Decoder, inputs: Sequence[Input]) -> None:
        longest = decoder.card.input_size
        self.places: list[list[int]] = []
        self.sizes: list[int] = []
        self._kept = {}
        for start in range(0, len(inputs), CHUNK):
            for sample in decoder.encode(inputs[start : start + CHUNK]):
                pieces = _pieces(sample, longest)
                first = len(self.sizes)
                self.places.append(list(range(first, first + len(pieces))))
                self._kept.update({first + at: (one,) for at, one in enumerate(pieces)})
                self.sizes += [len(one["input_ids"]) for one in pieces]

    def __len__(self) -> int:
        return len(self.sizes)

    def of(self, rows: Sequence[int]) -> list[int]:
        """Return the windows of these texts."""
        return [place for row in rows for place in self.places[row]]


def _pieces(sample: Batch, longest: int) -> list[Batch]:
    size = len(sample["input_ids"])
    return [
        {name: tensor[begin : begin + longest] for name, tensor in sample.items()}
        for begin in range(0, size, longest)
    ]
