"""The header of a safetensors file, read strictly and in bounded time and memory.

The format: eight bytes with the length of the header (little-endian), a JSON object that maps names
to ``dtype``, ``shape`` and ``data_offsets``, then the tensors' bytes without holes
(https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, NoReturn

PREFIX = 8
"""Bytes before the header, which say how long it is."""
LONGEST = 100_000_000
"""Bytes of a header that the format allows at most."""
MOST = 100_000
"""Tensors that we read at most."""

_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64,
    "F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64, "F8_E4M3": 8, "F8_E5M2": 8,
    "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip
_FIELDS = {"dtype", "shape", "data_offsets"}
_METADATA = "__metadata__"
_DIMENSIONS = 64
_LARGEST = 2**63
_MARKS = {b'"': 16, b",": 16, b"{": 1, b"[": 2}
"""How often each may stand in a header for each tensor it may have: parsing takes memory for it."""


class HeaderError(ValueError):
    """The header is not what the format asks for; the words say where."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor's place; ``begin`` and ``end`` are bytes from the first byte after the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def width(self) -> int:
        """Return the bytes that one number takes; 1 for numbers that share bytes."""
        return 4 if self.dtype == "C64" else max(_BITS[self.dtype] // 8, 1)


@dataclass(frozen=True)
class Header:
    """Tensors in the order of their bytes, which follow each other without holes."""

    tensors: tuple[Tensor, ...]
    metadata: dict[str, str]

    @property
    def data_bytes(self) -> int:
        """Return how many bytes must come after the header."""
        return self.tensors[-1].end if self.tensors else 0


def header_bytes(first: bytes) -> int | None:
    """Return the length of the JSON that follows the prefix; None if this is no such file.

    Args:
        first: The first nine bytes of a file.
    """
    if len(first) < PREFIX + 1 or first[PREFIX : PREFIX + 1] != b"{":
        return None
    length = int.from_bytes(first[:PREFIX], "little")
    return length if 2 <= length <= LONGEST else None


def parsed(raw: bytes | bytearray) -> Header:
    """Return the header from its JSON, without the eight bytes before it.

    Raises:
        HeaderError: Not JSON, too large, or tensors that overlap, leave holes, or lie about size.
    """
    if len(raw) > LONGEST:
        raise HeaderError(f"it has {len(raw)} bytes, more than {LONGEST}")
    for mark, times in _MARKS.items():
        if raw.count(mark) > times * (MOST + 2):
            raise HeaderError(f"it names more than {MOST} tensors")
    try:
        top = json.loads(
            raw.decode(), object_pairs_hook=_object, parse_float=_refused, parse_constant=_refused
        )
        header = _header(top)
        for tensor in header.tensors:
            tensor.name.encode()
    except HeaderError:
        raise
    except (ValueError, RecursionError) as error:
        raise HeaderError(f"it cannot be read: {error}") from error
    return header


def _header(top: Any) -> Header:
    if not isinstance(top, dict):
        raise HeaderError("it is not a JSON object of tensors")
    metadata = top.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(type(v) is str for v in metadata.values()):
        raise HeaderError(f"{_METADATA} is not an object of texts")
    tensors = []
    for name, entry in top.items():
        if not isinstance(entry, tuple):
            raise HeaderError(f"tensor '{name[:80]}' lacks dtype, shape or data_offsets")
        tensors.append(Tensor(name, *entry))
    tensors.sort(key=lambda tensor: (tensor.begin, tensor.end))
    at = 0
    for tensor in tensors:
        if tensor.begin != at:
            word = "overlaps another" if tensor.begin < at else "leaves a hole before it"
            raise HeaderError(f"tensor '{tensor.name[:80]}' {word}")
        at = tensor.end
    return Header(tuple(tensors), metadata)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | tuple[Any, ...]:
    """Return a tensor's entry as a small tuple, any other object as it is."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise HeaderError("a name comes twice")
    if found.keys() != _FIELDS or isinstance(found["dtype"], tuple):
        return found
    dtype, shape, offsets = found["dtype"], found["shape"], found["data_offsets"]
    if type(dtype) is str and type(shape) is str and type(offsets) is str:
        return found  # metadata may use these words
    if type(dtype) is not str or dtype not in _BITS:
        raise HeaderError(f"dtype {str(dtype)[:20]!r} is unknown")
    if not _sizes(shape) or len(shape) > _DIMENSIONS:
        raise HeaderError("a shape is not a list of sizes")
    if not _sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise HeaderError("data_offsets is not a begin and an end")
    bits = math.prod(shape) * _BITS[dtype]
    if bits != (offsets[1] - offsets[0]) * 8:
        raise HeaderError("a shape takes another number of bytes than data_offsets says")
    return dtype, tuple(shape), offsets[0], offsets[1]


def _sizes(value: Any) -> bool:
    return type(value) is list and all(type(v) is int and 0 <= v < _LARGEST for v in value)


def _refused(text: str) -> NoReturn:
    raise HeaderError(f"{text[:20]} is no size")
