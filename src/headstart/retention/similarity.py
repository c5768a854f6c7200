"""How alike two sets of features of the same rows are: linear CKA."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def linear_cka(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return the linear centred kernel alignment of two bodies' features, 0 to 1.

    ``||Yᵀ X||² / (||Xᵀ X|| ||Yᵀ Y||)`` of centred X and Y, in Frobenius norms (Kornblith et al.
    2019, "Similarity of neural network representations revisited", arXiv 1905.00414, section 3).
    A rotation, an offset or a common scale of either side changes nothing. Features that share
    nothing do not reach 0: with N rows and D columns a side it is about D / (N + D) then.

    Args:
        first: (N, D1) features X.
        second: (N, D2) features Y of the same rows.

    Returns:
        1.0 where both sides are constant, so that nothing tells them apart; 0.0 where one is.
    """
    x, y = _centred(first), _centred(second)
    if x is None or y is None:
        return 1.0 if x is y else 0.0
    across, left, right = (np.linalg.norm(a.T @ b) for a, b in ((x, y), (x, x), (y, y)))
    return float(np.clip(across**2 / (left * right), 0.0, 1.0))


def _centred(features: NDArray[Any]) -> Matrix | None:
    """Return features with mean 0 and largest entry 1, so that no square of one is lost.

    None where all that is left of them is the rounding of their dtype.
    """
    found = np.asarray(features)
    kind = found.dtype if np.issubdtype(found.dtype, np.floating) else np.dtype(np.float64)
    x = found.astype(np.float64)
    largest = float(np.abs(x).max(initial=0.0))
    if largest == 0.0:
        return None
    x = x / largest
    x = x - x.mean(axis=0)
    spread = float(np.abs(x).max())
    return None if spread <= 4 * float(np.finfo(kind).eps) else x / spread
