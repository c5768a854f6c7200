"""Numbers as planes of bytes, plain or as differences from others: what zstd makes small.

The bytes of numbers that are alike (weights, or what fine-tuning changed of them) are alike by
their significance: all first bytes together, then all second ones, compress; side by side they do
not. Differences are taken between the bit patterns as integers, which is exact for every format,
also for NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

_LEVEL = 1  # higher ones are slower and, on planes, no smaller
WIDTHS = (1, 2, 4, 8)
"""Bytes a number may have."""


def squeezed(content: bytes | memoryview, base: bytes | memoryview | None, width: int) -> bytes:
    """Return the content, or its difference from ``base``, as compressed planes.

    Args:
        content: Bytes, a multiple of ``width``.
        base: As many bytes; None for no difference.
        width: Bytes of one number: 1, 2, 4 or 8.
    """
    numbers = _numbers(content, width)
    if base is not None:
        numbers = _folded(numbers - _numbers(base, width))
    planes = numbers.view(np.uint8).reshape(-1, width).T
    return zstandard.ZstdCompressor(level=_LEVEL).compress(np.ascontiguousarray(planes).data)


def spread(
    packed: bytes | memoryview, base: bytes | memoryview | None, width: int, limit: int
) -> memoryview:
    """Return the content that `squeezed` packed.

    Args:
        packed: What it returned.
        base: The same base.
        width: The same width.
        limit: Bytes the content has at most.

    Raises:
        ValueError: This is not what was packed.
    """
    try:
        size = zstandard.frame_content_size(packed)
        if not 0 < size <= limit or size % width or (base is not None and len(base) != size):
            raise ValueError("it says an impossible size")
        plain = zstandard.ZstdDecompressor().decompress(packed)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    numbers = _joined(np.frombuffer(plain, np.uint8).reshape(width, -1))
    if base is not None:
        _unfold(numbers)
        np.add(numbers, _numbers(base, width), out=numbers)
    return numbers.view(np.uint8).data


def _joined(planes: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers of planes (width, count): ten times as fast as to transpose them."""
    numbers: NDArray[Any] = planes[-1].astype(_unsigned(len(planes)))
    for plane in planes[-2::-1]:
        np.left_shift(numbers, 8, out=numbers)
        np.bitwise_or(numbers, plane, out=numbers)
    return numbers


def _numbers(content: bytes | memoryview, width: int) -> NDArray[Any]:
    return np.frombuffer(content, _unsigned(width))


def _unsigned(width: int) -> np.dtype[Any]:
    return np.dtype(f"<u{width}")


def _folded(steps: NDArray[Any]) -> NDArray[Any]:
    """Return steps up and down as small numbers: 0, -1, 1, -2 … become 0, 1, 2, 3 …"""
    sign = steps >> steps.dtype.type(steps.itemsize * 8 - 1)
    folded: NDArray[Any] = (steps << steps.dtype.type(1)) ^ (steps.dtype.type(0) - sign)
    return folded


def _unfold(numbers: NDArray[Any]) -> None:
    """Undo `_folded` in place: fresh memory for each step would cost more than the steps."""
    signs = numbers & numbers.dtype.type(1)
    np.negative(signs, out=signs)
    np.right_shift(numbers, 1, out=numbers)
    np.bitwise_xor(numbers, signs, out=numbers)
