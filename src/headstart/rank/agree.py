"""How far scores agree on the order of bases, in a number and in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite

import numpy as np

_AGREE, _PARTLY = 0.7, 0.3


@dataclass(frozen=True, slots=True)
class Agreement:
    """Kendall's τ-b between the orders that scores give.

    Attributes:
        tau: Mean over all pairs of scores, -1 to 1; None if no pair can be compared.
        pairs: By pair of names; pairs with a score that is the same for all bases are left out.
        favourites: The base that each score puts first.
        words: One sentence for people.
    """

    tau: float | None
    pairs: Mapping[tuple[str, str], float]
    favourites: Mapping[str, str]
    words: str


def agreement(bases: Sequence[str], scores: Mapping[str, Sequence[float]]) -> Agreement:
    """Return how far the scores agree on the order of the bases.

    Kendall 1945, https://doi.org/10.2307/2332303: pairs of bases that two scores order alike,
    less those that they order otherwise, over all pairs, corrected for ties.

    Args:
        bases: B names.
        scores: (B,) values by name of the score.
    """
    from scipy.stats import kendalltau  # half a second to import

    pairs: dict[tuple[str, str], float] = {}
    telling = [name for name, values in scores.items() if len(set(values)) > 1]
    for first, second in combinations(telling, 2):
        tau = float(kendalltau(scores[first], scores[second]).statistic)
        if isfinite(tau):
            pairs[first, second] = tau
    favourites = {name: bases[int(np.argmax(scores[name]))] for name in telling}
    if not pairs:
        return Agreement(None, pairs, favourites, "fewer than two scores tell the bases apart")
    mean = float(np.mean(list(pairs.values())))
    return Agreement(mean, pairs, favourites, _words(mean, len(pairs), favourites))


def _words(tau: float, pairs: int, favourites: Mapping[str, str]) -> str:
    over = f"Kendall's tau {tau:.2f}, mean of {pairs} pair{'s' if pairs > 1 else ''} of scores"
    if tau >= _AGREE:
        return f"the scores agree ({over})"
    verdict = "the scores agree in part" if tau >= _PARTLY else "the scores disagree"
    fans: dict[str, list[str]] = defaultdict(list)
    for name, base in favourites.items():
        fans[base].append(name)
    if len(fans) == 1:
        return f"{verdict} ({over}): all put {next(iter(fans))} first, then they differ"
    said = "; ".join(
        f"{', '.join(names)} put{'' if len(names) > 1 else 's'} {base} first"
        for base, names in sorted(fans.items(), key=lambda fan: (-len(fan[1]), fan[0]))
    )
    return f"{verdict} ({over}): {said}"
