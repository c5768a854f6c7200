"""Metrics of token classification: N arrays of tag indices, one a word, true and predicted.

The resampled item is the sentence, because its words are not independent. A predicted index
below 0 says "no prediction" (a word that truncation dropped): wrong, and outside any span.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from headstart.measure.f1 import class_counts, macro_f1, micro_f1
from headstart.measure.metric import Evaluator, additive, ratio
from headstart.measure.spans import Span, spans


def span_f1(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """F1 of entity spans: right only if first word, last word and type all are."""
    statistics = np.array(
        [
            [len(true & guess), len(guess), len(true)]
            for true, guess in span_pairs(classes, targets, predictions)
        ],
        dtype=np.float64,
    )
    return additive(statistics, micro_f1)


def word_accuracy(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Share of words with the right tag."""
    check_lengths(targets, predictions)
    pairs = zip(targets, predictions, strict=True)
    statistics = np.array(
        [[np.count_nonzero(np.asarray(t) == np.asarray(p)), len(t)] for t, p in pairs],
        dtype=np.float64,
    )
    return additive(statistics, ratio)


def macro(classes: tuple[str, ...], targets: Any, predictions: Any) -> Evaluator:
    """Mean F1 of the tags over words."""
    sentence, true, guess = flat(targets, predictions)
    shape, seen = (len(targets), len(classes)), guess >= 0

    def counts(tags: NDArray[np.int64], keep: Any) -> Any:
        where = (sentence[keep], tags[keep])
        return sparse.coo_matrix((np.ones(len(where[0])), where), shape=shape).tocsr()

    everything = np.ones(len(true), dtype=bool)
    return additive(
        class_counts(counts(true, true == guess), counts(guess, seen), counts(true, everything)),
        macro_f1,
    )


def span_pairs(
    classes: Sequence[str], targets: Any, predictions: Any
) -> list[tuple[set[Span], set[Span]]]:
    """Return the true and the predicted spans of every sentence."""
    check_lengths(targets, predictions)

    def named(indices: Any) -> list[str]:
        return [classes[int(i)] if i >= 0 else "O" for i in indices]

    pairs = zip(targets, predictions, strict=True)
    return [(spans(named(t)), spans(named(p))) for t, p in pairs]


def flat(
    targets: Any, predictions: Any
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return sentence, true tag and predicted tag of every word, three arrays (words,)."""
    check_lengths(targets, predictions)
    sentence = np.repeat(np.arange(len(targets)), [len(t) for t in targets])
    return sentence, _joined(targets), _joined(predictions)


def _joined(arrays: Any) -> NDArray[np.int64]:
    return np.concatenate([np.asarray(a, dtype=np.int64) for a in arrays])


def check_lengths(targets: Any, predictions: Any) -> None:
    """Raise ValueError unless every sentence has one predicted tag a word."""
    for row, (true, guess) in enumerate(zip(targets, predictions, strict=True)):
        if len(true) != len(guess):
            raise ValueError(f"sentence {row}: {len(guess)} predicted tags for {len(true)} words")
