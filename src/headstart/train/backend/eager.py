"""The encoder as it is, in float32, on its device: the reference that every other is held to."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.base.model import Batch, Encoder
from headstart.task.model import Modality


class Eager:
    """Calls the encoder.

    Args:
        encoder: In evaluation mode.
    """

    images = 16

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        # a picture's convolutions fill all cores, and a GPU is one
        alone = encoder.card.modality is Modality.IMAGE or encoder.device().type != "cpu"
        self.workers = 1 if alone else torch.get_num_threads()

    def features(self, batch: Batch) -> NDArray[np.float32]:
        """Return (N, D), or (N, W, D) for words."""
        device = self.encoder.device()
        with torch.inference_mode():
            found = self.encoder({name: tensor.to(device) for name, tensor in batch.items()})
        array: NDArray[np.float32] = found.float().cpu().numpy()
        return array
