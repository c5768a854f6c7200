"""Files to keep: noise, safetensors, and fine-tuned copies of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from headstart.hub.store.store import Store

MIB = 2**20


def noise(size: int, seed: int = 0) -> bytes:
    """Return bytes that nothing makes smaller, the same for the same seed."""
    return hashlib.shake_128(seed.to_bytes(4, "little")).digest(size)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def safetensors(
    tensors: Mapping[str, tuple[str, tuple[int, ...], bytes]], **metadata: str
) -> bytes:
    """Return a safetensors file, written after the format's page and not by the code under test."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    body = b""
    for name, (dtype, shape, data) in tensors.items():
        end = len(body) + len(data)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), end]}
        body += data
    return with_header(json.dumps(header).encode(), body)


def with_header(raw: bytes, body: bytes = b"") -> bytes:
    return len(raw).to_bytes(8, "little") + raw + body


def floats(count: int, seed: int, spread: float = 0.04) -> np.ndarray[Any, np.dtype[np.float32]]:
    return (np.random.default_rng(seed).standard_normal(count) * spread).astype(np.float32)


def stored_as(dtype: str, numbers: np.ndarray[Any, np.dtype[np.float32]]) -> bytes:
    """Return the bytes of numbers in F32, F16 or BF16 (rounded towards zero)."""
    if dtype == "F32":
        return numbers.tobytes()
    if dtype == "F16":
        return numbers.astype(np.float16).tobytes()
    return (numbers.view(np.uint32) >> 16).astype(np.uint16).tobytes()


def model(
    dtype: str = "F32",
    seed: int = 0,
    tuned: float = 0.0,
    prefix: str = "",
    counts: tuple[int, ...] = (2 * MIB, 300_000, 40, 40, 700),
) -> bytes:
    """Return the file of a model; ``tuned`` is how far each weight went from where it was."""
    tensors = {}
    for index, count in enumerate(counts):
        numbers = floats(count, seed + index)
        if tuned:
            numbers = numbers + floats(count, 1000 + index, tuned)
        tensors[f"{prefix}layer.{index}"] = dtype, (count,), stored_as(dtype, numbers)
    return safetensors(tensors, format="pt")


def stored_bytes(store: Store) -> int:
    """Return the bytes of all that is kept."""
    keys = [key for folder in ("objects", "files") for key in store.depot.keys(folder)]
    return sum(len(store.depot.get(key)) for key in keys)


def whole(store: Store, name: str) -> bytes:
    return b"".join(store.read(name))
