"""What keeps a run alive: running out of memory, and losses that are no numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from headstart.errors import WorkError
from headstart.files import write_json

# Tokens and images in a micro-batch to begin with: (CPU, GPU). On a CPU smaller pieces are as
# fast, stay in its caches, and need a fraction of the memory.
TEXT_CEILING = (4096, 32768)
IMAGE_CEILING = (16, 256)
RATE_CUT = 0.3  # factor on the rate after a loss that is no number
RETRIES = 3  # such cuts before the run is given up


def out_of_memory(error: BaseException) -> bool:
    """Tell whether ``error`` means that memory ran out, on whatever device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text
        or "can't allocate memory" in text
        or "not enough memory" in text
        or "_status_alloc_failed" in text  # cuBLAS, cuDNN
    )


@dataclass
class Ceiling:
    """The largest micro-batch that fits, in the encoder's units; remembered in a file.

    Attributes:
        units: Tokens or images.
        path: Where the next trial of this base reads it again; None keeps it in memory.
    """

    units: int
    path: Path | None = None

    @classmethod
    def remembered(cls, start: int, path: Path) -> Ceiling:
        """Return the ceiling kept at ``path``, or ``start`` if there is none."""
        try:
            units = int(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            units = start
        return cls(units=max(1, units), path=path)

    def lower(self, asked: int, longest: int) -> None:
        """Lower the ceiling after memory ran out, to half of what did not fit.

        Args:
            asked: Units of the micro-batch that did not fit.
            longest: Units of the largest single sample: below that nothing can be split.

        Raises:
            WorkError: One sample alone does not fit.
        """
        if min(self.units, asked) <= longest:
            raise WorkError(
                f"out of memory with a single input of {longest} units in the batch",
                mend="use a smaller base, shorter inputs, or a method that trains less "
                "(probe, partial, lora)",
            )
        self.lower_to(max(longest, min(self.units, asked) // 2))

    def lower_to(self, units: int) -> None:
        """Set the ceiling, and remember it."""
        self.units = units
        if self.path is not None:
            write_json(self.path, self.units)
