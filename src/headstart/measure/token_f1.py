"""Token F1: how many words written answers and references share."""

from __future__ import annotations

from collections import Counter
from typing import Any

from headstart.measure.exact_match import answer_pairs, normalised
from headstart.measure.metric import Evaluator, mean_of


def token_f1(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Mean F1 of the words of normalised answers (SQuAD; Rajpurkar et al. 2016, 1606.05250).

    Where one of the two has no words, 1 if neither has, else 0.
    """
    return mean_of([_f1(*pair) for pair in answer_pairs(targets, predictions)])


def _f1(reference: str, answer: str) -> float:
    words = [normalised(text).split() for text in (reference, answer)]
    if not all(words):
        return float(words[0] == words[1])
    shared = sum((Counter(words[0]) & Counter(words[1])).values())
    return 2 * shared / (len(words[0]) + len(words[1]))
