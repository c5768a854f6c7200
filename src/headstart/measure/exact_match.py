"""Exact match: the share of written answers that are the reference, up to case and articles."""

from __future__ import annotations

import re
import string
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.measure.metric import Evaluator, mean_of

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def exact_match(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Share of answers that equal the reference once both are :func:`normalised`."""
    return mean_of(hits(targets, predictions))


def hits(targets: Any, predictions: Any) -> NDArray[np.bool_]:
    """Return (N,): which answers match."""
    pairs = answer_pairs(targets, predictions)
    return np.array([normalised(one) == normalised(other) for one, other in pairs], dtype=np.bool_)


def normalised(text: str) -> str:
    """Return the text in lower case without punctuation, articles and needless space.

    As SQuAD has it (Rajpurkar et al. 2016, 1606.05250).
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def answer_pairs(targets: Any, predictions: Any) -> list[tuple[str, str]]:
    """Return (reference, answer) pairs.

    Raises:
        ValueError: They are no texts, such as the losses that other metrics of texts take.
    """
    pairs = list(zip(targets, predictions, strict=True))
    if not all(isinstance(text, str) for pair in pairs for text in pair):
        raise ValueError("written answers are scored as texts against texts")
    return pairs
