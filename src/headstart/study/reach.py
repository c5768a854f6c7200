"""What longer training could still make of a run, and whether that could win."""

from __future__ import annotations

import math
from collections.abc import Sequence

from headstart.measure.compare import Comparison

DECAY = 0.25  # power of the steps by which errors fall when training goes well
NORMAL = 1.96  # standard errors in half a 95% interval
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


def worth_going_on(comparison: Comparison, gain: float, share: float = 1.0) -> bool:
    """Tell whether a longer run could be told from the best untrained arm.

    Where only a share of the rows was compared, all rows would give an interval narrower by the
    root of that share; and the difference on all rows may be larger than the one that was seen by
    a standard error of what was left out (finite population correction).

    Args:
        comparison: Of the run with that arm, on validation; higher is better.
        gain: What the run may still gain.
        share: Of the validation rows, those that were compared.
    """
    found = comparison.difference
    half = (found.high - found.low) / 2
    doubt = half / NORMAL * math.sqrt(1 - share)
    return found.value + gain + doubt >= half * math.sqrt(share)
