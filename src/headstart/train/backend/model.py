"""What every backend is: an encoder's forward pass, from a batch to an array."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from headstart.base.model import Batch


class Backend(Protocol):
    """Runs one encoder's forward pass.

    Attributes:
        images: Of a batch; where it runs fastest. Batches of texts are bounded by their tokens.
        workers: Batches that it takes at once.
    """

    images: int
    workers: int

    def features(self, batch: Batch) -> NDArray[np.float32]:
        """Return (N, D), or (N, W, D) for words, of a batch on the CPU that has no padding.

        Called by several threads at once, with torch's number of threads set for each.
        """
        ...
