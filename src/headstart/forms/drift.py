"""How far the outputs of an exported model may lie from the original's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.errors import WorkError

MEND = "nothing was exported; use the folder best/ itself, and please report this model"
TOLERANCE = 1e-3  # of a logit, or of the largest one where that is above 1


def check_drift(
    found: NDArray[Any], expected: NDArray[Any], what: str, tolerance: float | None = None
) -> float:
    """Compare logits of the exported model with those of the original.

    Args:
        found: The export's.
        expected: The original's.
        what: The export, as the error names it.
        tolerance: In place of :data:`TOLERANCE`.

    Returns:
        The most that one differs.

    Raises:
        WorkError: A shape differs, or a logit by more than the tolerance.
    """
    if found.shape != expected.shape:
        raise WorkError(
            f"{what} gives outputs of shape {found.shape}, expected {expected.shape}", mend=MEND
        )
    tolerance = TOLERANCE if tolerance is None else tolerance
    allowed = tolerance * max(1.0, float(np.abs(expected).max(initial=0.0)))
    drift = float(np.abs(found - expected).max(initial=0.0))
    if not drift <= allowed:  # not a number is too far as well
        raise WorkError(
            f"{what} gives other outputs: off by {drift:.2g}, allowed are {allowed:.2g}", mend=MEND
        )
    return drift
