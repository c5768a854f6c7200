"""Which rows of a suite are asked, and in which half of it they are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from headstart.retention.suite import PARTS

ROWS = 200  # of a part
TEXT = 250_000  # characters that both parts have a decoder read: some 60,000 tokens


def affordable(sizes: Sequence[int], most: int = len(PARTS) * ROWS) -> int:
    """Return how many of the first rows are asked: one a part at least.

    Args:
        sizes: Characters that each row has a decoder read.
        most: Rows of all parts.
    """
    within = sum(total <= TEXT for total in accumulate(sizes))
    return min(len(sizes), max(len(PARTS), min(within, most)))


def halves(keys: Sequence[str]) -> dict[str, list[int]]:
    """Return the places of the rows of each part, in the order of their keys.

    Args:
        keys: A hash of each row's content: the same rows lie in the same parts, in any order.
    """
    order = sorted(range(len(keys)), key=lambda at: (keys[at], at))
    return {name: order[at :: len(PARTS)] for at, name in enumerate(PARTS)}
