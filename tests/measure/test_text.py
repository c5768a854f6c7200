"""Perplexity and bits per byte: weighted by tokens and bytes, whatever the texts' lengths."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest

from headstart.measure.compare import compare
from headstart.measure.score import METRICS, score
from headstart.task.model import Objective

TEXT = Objective.TEXT
BYTES = np.array([10.0, 1000.0])
TOLD = np.array([[8.0, 4.0], [200.0, 250.0]])  # nats, tokens


def test_every_token_and_byte_counts_the_same():
    assert score(TEXT, (), BYTES, TOLD, "perplexity") == pytest.approx(exp(208 / 254))
    assert score(TEXT, (), BYTES, TOLD, "bits_per_byte") == pytest.approx(208 / log(2) / 1010)


def test_less_is_better():
    generator = np.random.default_rng(0)
    sizes = generator.integers(100, 900, 60).astype(float)
    tokens = sizes / 4
    base = np.stack([tokens * 3.0 + generator.normal(0, 5, 60), tokens], axis=1)
    adapted = base - np.stack([tokens * 0.4, 0 * tokens], axis=1)
    for metric in ("bits_per_byte", "perplexity"):
        found = compare(TEXT, (), sizes, [adapted], [base], metric)
        assert found.verdict == "better"
        assert found.difference.high < 0 < found.in_merit(metric).difference.low
        assert not METRICS.get(metric).higher_is_better


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        score(TEXT, (), BYTES, np.array([[np.nan, 1.0], [1.0, 1.0]]), "perplexity")
