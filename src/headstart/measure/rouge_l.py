"""ROUGE-L: the longest run of words, gaps allowed, that answers and references have in common."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from headstart.measure.exact_match import answer_pairs
from headstart.measure.metric import Evaluator, mean_of

_WORDS = re.compile(r"[^\W_]+")


def rouge_l(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Mean F-measure of the longest common subsequence of words (Lin 2004, ROUGE, section 3).

    Words are letters and digits in lower case, of any script, without stemming; on English the
    numbers are those of the package rouge-score. 0 where one of the two has no words.
    """
    return mean_of([_f_measure(*pair) for pair in answer_pairs(targets, predictions)])


def _f_measure(reference: str, answer: str) -> float:
    one, other = (_WORDS.findall(text.lower()) for text in (reference, answer))
    return 2 * _longest_common(one, other) / max(1, len(one) + len(other))


def _longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest common subsequence, row by row of the usual table."""
    row = [0] * (len(other) + 1)
    for word in one:
        corner = 0
        for at, theirs in enumerate(other, start=1):
            above = row[at]
            row[at] = corner + 1 if word == theirs else max(above, row[at - 1])
            corner = above
    return row[-1]
