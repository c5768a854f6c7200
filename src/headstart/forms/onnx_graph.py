"""An adapted model as one ONNX graph: body, pooling and head, from tokens or pixels to logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from headstart.base.graph import FlatGraph, open_graph, write_graph
from headstart.base.image import ImageEncoder
from headstart.base.text import TextEncoder
from headstart.errors import RequestError
from headstart.files import write_json
from headstart.forms.drift import TOLERANCE, check_drift
from headstart.method.adapted import NetworkModel
from headstart.task.model import Input, Objective
from headstart.train.network import Network

MODEL_FILE = "model.onnx"
_SIDES = ("", "_b")  # the second text of a pair has the suffix


class _ImageGraph(nn.Module):
    """The network over normalised pixels (N, 3, H, W)."""

    def __init__(self, encoder: ImageEncoder, head: nn.Linear) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Return logits (N, C)."""
        found: Tensor = self.head(self.encoder.features(pixel_values))
        return found


def write_onnx(model: NetworkModel, folder: Path, tolerance: float | None = None) -> float:
    """Write ``model.onnx``, ``preprocessing.json`` and the tokenizer to ``folder``; check them.

    Inputs: ``input_ids`` and ``attention_mask`` (N, T) int64, for a pair also the same with the
    suffix ``_b``, for words also ``word_ids`` (N, W); or ``pixel_values`` (N, 3, H, W) float32,
    normalised. Batch and lengths are free. Output: ``logits``.

    Args:
        model: The model.
        folder: Where to.
        tolerance: As of :func:`headstart.forms.drift.check_drift`.

    Returns:
        The most that a logit differs.

    Raises:
        RequestError: The optional libraries are missing.
        WorkError: The graph cannot be built, or gives other logits.
    """
    encoder = model.network.encoder
    if isinstance(encoder, TextEncoder):
        graph, names, example, check = _text(model)
        encoder.tokenizer.save_pretrained(str(folder))
        settings: dict[str, Any] = {"max_length": encoder.max_length, "pooling": encoder.pooling}
    elif isinstance(encoder, ImageEncoder):
        graph, names, example, check = _image(model)
        settings = asdict(encoder.preprocess)
    else:
        raise RequestError(f"cannot export a {type(encoder).__name__} to ONNX")
    path = folder / MODEL_FILE
    write_graph(graph, names, example, path, output="logits")
    drift = _compare(graph, names, check, path, tolerance)
    signature = model.signature
    write_json(
        folder / "preprocessing.json",
        {
            "inputs": names,
            "output": "logits",
            "objective": signature.objective,
            "classes": list(signature.classes),
            "tolerance": TOLERANCE if tolerance is None else tolerance,
            **settings,
        },
    )
    return drift


_Parts = tuple[nn.Module, list[str], list[Tensor], list[Tensor]]


def _text(model: NetworkModel) -> _Parts:
    network = model.network
    tagged = model.objective is Objective.TAGS
    example = _text_tensors(network, _phrases(tagged, network.pair, (3, 9)))
    check = _text_tensors(network, _phrases(tagged, network.pair, (1, 17, 400, 5)))
    keys = ["input_ids", "attention_mask", *(["word_ids"] if tagged else [])]
    names = [key + side for side in _SIDES[: 1 + network.pair] for key in keys]
    return FlatGraph(network, keys, network.__call__), names, example, check


def _phrases(tagged: bool, pair: bool, lengths: Sequence[int]) -> list[Input]:
    words = [tuple(f"word {n}"[n % 3 :].split()[0] for n in range(length)) for length in lengths]
    if tagged:
        return list(words)
    texts = [" ".join(phrase) for phrase in words]
    return [(text, text[::-1]) for text in texts] if pair else list(texts)


def _text_tensors(network: Network, inputs: Sequence[Input]) -> list[Tensor]:
    batches = network.collate(network.encode(inputs))
    return [tensor for batch in batches for tensor in batch.values()]


def _image(model: NetworkModel) -> _Parts:
    encoder = model.network.encoder
    assert isinstance(encoder, ImageEncoder)
    side = encoder.preprocess.size
    generator = torch.Generator().manual_seed(0)
    example, check = (torch.randn(n, 3, side, side, generator=generator) for n in (2, 3))
    return _ImageGraph(encoder, model.network.head), ["pixel_values"], [example], [check]


def _compare(
    graph: nn.Module, names: list[str], inputs: list[Tensor], path: Path, tolerance: float | None
) -> float:
    """Run the graph on other inputs, of other shapes than it was built with.

    Raises:
        WorkError: A logit differs by more than the tolerance.
    """
    session = open_graph(path)
    feed = {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)}
    found = np.asarray(session.run(["logits"], feed)[0])
    with torch.inference_mode():
        expected = graph(*inputs).numpy()
    return check_drift(found, expected, "the ONNX graph", tolerance)
