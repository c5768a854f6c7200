"""Near duplicates by the cosine of their features, in bounded memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BLOCK_CELLS = 4_000_000  # similarities held at once: 16 MB as float32


def near_duplicates(
    left: NDArray[np.floating], right: NDArray[np.floating], threshold: float
) -> list[tuple[int, int, float]]:
    """Return pairs of rows whose cosine similarity is at least ``threshold``.

    Args:
        left: Features (N, D) of one part.
        right: Features (M, D) of another part. Where it is the same array as ``left``, each pair
            of different rows is given once, with i < j.
        threshold: Least cosine, in (0, 1].

    Returns:
        (i, j, cosine) with i a row of ``left`` and j of ``right``, ordered by i, then j. Rows of
        zeros and rows that are not finite resemble nothing.

    Raises:
        ValueError: The arrays are not both (rows, D) with the same D.
    """
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[1]:
        raise ValueError(f"expected (N, D) and (M, D), got {left.shape} and {right.shape}")
    if not len(left) or not len(right):
        return []
    same = left is right
    unit_right = _unit(right)  # (M, D)
    rows = max(1, _BLOCK_CELLS // len(right))
    pairs: list[tuple[int, int, float]] = []
    for start in range(0, len(left), rows):
        cosine = _unit(left[start : start + rows]) @ unit_right.T  # (rows, M)
        # float32 rounding leaves equal rows a hair below 1
        for row, column in np.argwhere(cosine >= threshold - 1e-6).tolist():
            if not same or start + row < column:
                pairs.append((start + row, column, min(1.0, float(cosine[row, column]))))
    return pairs


def _unit(features: NDArray[np.floating]) -> NDArray[np.float32]:
    finite = np.where(np.isfinite(features), features, 0.0).astype(np.float32)
    finite[~np.isfinite(features).all(axis=1)] = 0.0
    norm = np.linalg.norm(finite, axis=1, keepdims=True)
    return np.asarray(finite / np.where(norm > 0, norm, 1.0), dtype=np.float32)
