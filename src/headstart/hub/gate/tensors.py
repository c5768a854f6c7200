"""The header of a safetensors file, held against its size before any library believes it.

Layout: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.hub.gate.reading import MEBIBYTE, UnreadableError, head, load_json

_LONGEST = 16 * MEBIBYTE  # bytes of a header; 65,536 tensors with long names fit
_MOST = 65_536  # tensors in one file; the largest mixtures of experts stay below, file by file
_MOST_METADATA = MEBIBYTE
_LONGEST_NAME = 1024
_MOST_DIMENSIONS = 16
_BITS = {
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E8M0": 8, "F8_E4M3": 8, "F8_E5M2": 8, "BOOL": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "U8": 8, "I8": 8, "I16": 16, "U16": 16, "F16": 16,
    "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """A tensor's place in the file: its first byte and the one after its last, and its dtype."""

    name: str
    dtype: str
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """What a file says of itself: its tensors by place, and its metadata (text by key)."""

    tensors: tuple[Tensor, ...]
    metadata: dict[str, str]


def read_header(file: Path) -> Header:
    """Return the header of a safetensors ``file``, checked against the bytes that are there.

    Raises:
        UnreadableError: It is cut short, lies about a size, or has more tensors than any model; the
            tensor is named.
    """
    size = file.stat().st_size
    if size < 8:
        raise UnreadableError(f"it has {size} bytes, fewer than a safetensors header")
    length = int.from_bytes(head(file, 8), "little")
    if length > size - 8:
        raise UnreadableError(f"its header claims {length:,} bytes and {size - 8:,} are there")
    if length > _LONGEST:
        raise UnreadableError(f"its header claims {length:,} bytes; the limit is {_LONGEST:,}")
    raw = head(file, length, 8)
    if not raw.startswith(b"{"):
        raise UnreadableError(f"its header begins with {raw[:8]!r}, not with '{{'")
    try:
        fields = load_json(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UnreadableError("its header is no UTF-8 text") from error
    except UnreadableError as error:
        raise UnreadableError(f"its header: {error}") from error
    metadata = _metadata(fields.pop("__metadata__", {}))
    if len(fields) > _MOST:
        raise UnreadableError(f"its header has {len(fields):,} tensors; the limit is {_MOST:,}")
    found = sorted((_tensor(*item) for item in fields.items()), key=lambda t: (t.begin, t.end))
    _gapless(found, size - 8 - length)
    start = 8 + length
    placed = (Tensor(t.name, t.dtype, start + t.begin, start + t.end) for t in found)
    return Header(tuple(placed), metadata)


def _metadata(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise UnreadableError("its '__metadata__' holds more than texts")
    if sum(len(key) + len(text) for key, text in value.items()) > _MOST_METADATA:
        raise UnreadableError(f"its '__metadata__' is longer than {_MOST_METADATA:,} characters")
    return value


def _tensor(name: str, told: Any) -> Tensor:
    where = f"the tensor {name[:80]!r}"
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise UnreadableError(f"{where} has a name that is too long or not printable")
    if not isinstance(told, dict) or set(told) != {"dtype", "shape", "data_offsets"}:
        raise UnreadableError(f"{where} must have dtype, shape and data_offsets, and nothing else")
    dtype, shape, offsets = told["dtype"], told["shape"], told["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise UnreadableError(f"{where} is of unknown dtype {str(dtype)[:40]!r}")
    if not _counts(shape) or len(shape) > _MOST_DIMENSIONS:
        raise UnreadableError(f"{where} has an impossible shape")
    if not _counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise UnreadableError(f"{where} has impossible offsets")
    claimed = math.prod(shape) * _BITS[dtype]
    if claimed != (offsets[1] - offsets[0]) * 8:
        raise UnreadableError(
            f"{where} claims {offsets[1] - offsets[0]:,} bytes; its shape and dtype need "
            f"{claimed // 8:,}"
        )
    return Tensor(name, dtype, offsets[0], offsets[1])


def _counts(value: Any) -> bool:
    """Return whether ``value`` is a list of numbers that a size can be."""
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 2**63 for n in value)


def _gapless(tensors: list[Tensor], room: int) -> None:
    """Refuse tensors that overlap, leave a hole, or end elsewhere than the file."""
    at = 0
    for tensor in tensors:
        if tensor.begin != at:
            what = "overlaps the one before it" if tensor.begin < at else "leaves a hole before it"
            raise UnreadableError(f"the tensor {tensor.name[:80]!r} {what} (byte {tensor.begin:,})")
        at = tensor.end
    if at != room:
        raise UnreadableError(f"its tensors end at byte {at:,} of {room:,}")
