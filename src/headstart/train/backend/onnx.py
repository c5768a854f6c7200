"""The encoder as an ONNX graph, run by onnxruntime in float32 on the CPU."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.base.graph import FlatGraph, open_graph, write_graph
from headstart.base.image import ImageEncoder
from headstart.base.model import Batch, Encoder
from headstart.base.text import TextEncoder
from headstart.errors import WorkError
from headstart.files import digest, drop_oldest, replacing

FOLDER = "graphs"
LIMIT_BYTES = 4 * 1024**3
_FORMAT = "1"  # changes with how a graph is written
_LARGEST = 450_000_000  # weights; a graph in one file ends at 2 GB
_OUTPUT = "features"


class Onnx:
    """Runs the graph of one encoder.

    Args:
        encoder: On the CPU, with the weights that its card's revision names.
        words: Whether inputs are words.
        folder: The cache; its graph is written there unless it lies there already.

    Raises:
        RequestError: The optional libraries are missing.
        WorkError: The graph cannot be built or opened, or not be kept.
    """

    images = 4  # what a convolution leaves then fits the processor's cache

    def __init__(self, encoder: Encoder, words: bool, folder: Path) -> None:
        path = graph_path(encoder, words, folder)
        if not path.is_file():
            write_encoder(encoder, words, path)
        with suppress(OSError):
            os.utime(path)  # used now: the last to be dropped
        self.workers = torch.get_num_threads()
        self._session = open_graph(path, threads=1)  # of each call

    def features(self, batch: Batch) -> NDArray[np.float32]:
        """Return (N, D), or (N, W, D) for words."""
        feed = {name: tensor.numpy() for name, tensor in batch.items()}
        found: NDArray[np.float32] = self._session.run([_OUTPUT], feed)[0]
        return found


def graph_path(encoder: Encoder, words: bool, folder: Path) -> Path:
    """Return where the graph of a base is kept."""
    name = (encoder.card.revision, encoder.preprocessing(), str(words), torch.__version__)
    return folder / FOLDER / f"{digest(_FORMAT, *name)}.onnx"


def write_encoder(encoder: Encoder, words: bool, path: Path) -> None:
    """Write the graph, whole or not at all, and drop those that were longest not used.

    Raises:
        RequestError: The optional libraries are missing, or the place cannot be written to.
        WorkError: The graph cannot be built.
    """
    if sum(weight.numel() for weight in encoder.parameters()) > _LARGEST:
        raise WorkError("too many weights for one ONNX file")
    example = _example(encoder, words)
    graph = FlatGraph(encoder, list(example), lambda batches: _features(encoder, batches))
    with replacing(path) as beside:
        write_graph(graph, list(example), list(example.values()), beside, _OUTPUT)
    drop_oldest(path.parent.glob("*.onnx"), LIMIT_BYTES, newest=path)


def _features(encoder: Encoder, batches: Sequence[Batch]) -> Tensor:
    found: Tensor = encoder(batches[0])
    return found


def _example(encoder: Encoder, words: bool) -> Batch:
    """Return a batch to trace with, no two of its axes of one size, none of size 1."""
    if isinstance(encoder, ImageEncoder):
        side = encoder.preprocess.size
        return {"pixel_values": torch.zeros((2, 3, side, side), dtype=torch.uint8)}
    if not isinstance(encoder, TextEncoder):
        raise WorkError(f"no graph of a {type(encoder).__name__}")
    ids = torch.full((2, 9), encoder.pad_id)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    return batch | {"word_ids": torch.arange(5).repeat(2, 1)} if words else batch
