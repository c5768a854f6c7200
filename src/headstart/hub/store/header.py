"""The header of a safetensors file, believed only where all of it fits together.

The format: eight bytes with the header's length (little-endian), the header (JSON: name to dtype,
shape and ``data_offsets``), then the tensors, without holes (huggingface/safetensors, README).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

LONGEST = 32 * 1024 * 1024
PREFIX = 8
MOST = 100_000
WIDTHS = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "F8_E8M0": 1, "I16": 2, "U16": 2,
    "F16": 2, "BF16": 2, "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8, "C64": 8,
}  # fmt: skip
"""Bytes a value."""


@dataclass(frozen=True)
class Tensor:
    """One tensor: where its bytes lie, counted from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


def announced(prefix: bytes) -> int | None:
    """Return the length of prefix and header; None if a file that begins so is none.

    Args:
        prefix: The file's first nine bytes or more.
    """
    length = int.from_bytes(prefix[:PREFIX], "little")
    if not 2 <= length <= LONGEST or prefix[PREFIX : PREFIX + 1] != b"{":
        return None
    return PREFIX + length


def tensors(header: bytes) -> list[Tensor] | None:
    """Return the tensors in order of their bytes; None if the header lies.

    Args:
        header: The JSON, without the eight bytes before it.
    """
    try:
        found = json.loads(header)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or len(found) > MOST:
        return None
    listed = [_tensor(name, told) for name, told in found.items() if name != "__metadata__"]
    whole = [one for one in listed if one is not None]
    if len(whole) != len(listed):
        return None
    whole.sort(key=lambda one: (one.start, one.stop))
    end = 0
    for one in whole:
        if one.start != end:
            return None
        end = one.stop
    return whole


def _tensor(name: str, told: Any) -> Tensor | None:
    try:
        dtype, shape, (start, stop) = told["dtype"], told["shape"], told["data_offsets"]
        sizes = (*shape, start, stop)
        if not all(type(size) is int and 0 <= size < 2**63 for size in sizes):
            return None
        if stop - start != math.prod(shape) * WIDTHS[dtype]:
            return None
    except (KeyError, TypeError, ValueError):
        return None
    return Tensor(name, dtype, tuple(shape), start, stop)
