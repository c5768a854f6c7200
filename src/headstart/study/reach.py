"""What longer training could still make of a run, and whether that could win."""

from __future__ import annotations

import math
from collections.abc import Sequence

from headstart.measure.compare import Comparison

DECAY = 0.25  # power of the steps by which errors fall when training goes well
DOUBT = 1.5  # times the decay that was seen may be the decay to come


def reach(points: Sequence[tuple[int, float]], steps: int, ceiling: float) -> float:
    """Extrapolate the scores of ever longer runs by a power law of the error, with optimism.

    Errors fall as a power of the work done (Hestness et al. 2017, arXiv 1712.00409; Domhan et
    al. 2015 for stopping by it). The exponent is the larger of a usual one and a multiple of the
    one seen between the two longest runs: a run that is stopped wrongly costs more than one that
    goes on in vain.

    Args:
        points: (steps, score) of finished runs of one setting, shortest first; at least one.
        steps: Length of the longest run.
        ceiling: Best score there is.

    Returns:
        The score of the longest run, if all goes well.
    """
    done, now = points[-1]
    error = max(ceiling - now, 0.0)
    decay = DECAY
    if len(points) > 1:
        before, earlier = points[-2]
        start = ceiling - earlier
        if 0 < error < start and done > before:
            decay = max(decay, DOUBT * math.log(start / error) / math.log(done / before))
    return ceiling - error * math.pow(max(steps, done) / done, -decay)


def worth_going_on(comparison: Comparison, gain: float) -> bool:
    """Tell whether a longer run could be told from the best untrained arm.

    Args:
        comparison: Of the run with that arm, on validation; higher is better.
        gain: What the run may still gain.
    """
    found = comparison.difference
    return found.value + gain >= (found.high - found.low) / 2
