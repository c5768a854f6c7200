"""H-score: the trace as written, chance taken off, and scikit-learn's Ledoit-Wolf shrinkage."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf, ledoit_wolf_shrinkage

from headstart.rank.hscore import HScore, shrinkage, traces
from headstart.rank.score import Evidence
from headstart.rank.spectrum import spectrum

from .toys import SINGLE, classified, shuffled

SHAPES = [(150, 16), (40, 60), (30, 30)]


def direct(evidence: Evidence) -> float:
    """Return ``tr(Σ_a⁻¹ (1 - a) Σ_between)`` from full D x D matrices."""
    x = evidence.features.astype(np.float64)
    x -= x.mean(axis=0)
    covariance, amount = ledoit_wolf(x, assume_centered=True)
    of_class = np.stack([x[evidence.targets == y].mean(axis=0) for y in evidence.targets])
    between = of_class.T @ of_class / len(x)
    return float(np.trace(np.linalg.inv(covariance) @ ((1 - amount) * between)))


@pytest.mark.parametrize(("rows", "width"), SHAPES)
def test_the_trace_is_the_formula(rows: int, width: int) -> None:
    evidence = classified(1.0, rows, width)
    found, _ = traces(evidence.centred, evidence.columns)
    assert found == pytest.approx(direct(evidence), rel=1e-6)


@pytest.mark.parametrize(("rows", "width"), SHAPES)
def test_chance_is_the_mean_over_shuffled_classes(rows: int, width: int) -> None:
    evidence = classified(1.0, rows, width)
    _, by_chance = traces(evidence.centred, evidence.columns)
    dealt = [direct(shuffled(evidence, seed)) for seed in range(200)]
    assert by_chance == pytest.approx(np.mean(dealt), abs=4 * np.std(dealt) / np.sqrt(200))


@pytest.mark.parametrize("width", [8, 80, 800])
def test_width_alone_gives_nothing(width: int) -> None:
    generator = np.random.default_rng(width)
    x = generator.normal(size=(300, width)) / np.sqrt(np.arange(1, width + 1))
    y = generator.integers(5, size=300)
    assert HScore().score(Evidence(x.astype(np.float32), y, SINGLE, 5)) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(("rows", "width"), [*SHAPES, (50, 1)])
def test_shrinkage_is_scikit_learns(rows: int, width: int) -> None:
    features = classified(1.0, rows, width).features
    expected = ledoit_wolf_shrinkage(features.astype(np.float64)) if width > 1 else 1.0
    assert shrinkage(spectrum(features, centred=True)) == pytest.approx(expected, rel=1e-6)


def test_it_is_nearly_one_where_classes_are_all_there_is() -> None:
    y = np.repeat(np.arange(4), 50)
    x = np.eye(4, dtype=np.float32)[y]
    assert HScore().score(Evidence(x, y, SINGLE, 4)) == pytest.approx(1.0, rel=0.05)


def test_constant_features_score_zero() -> None:
    y = np.arange(20) % 2
    assert HScore().score(Evidence(np.full((20, 3), 0.1, np.float32), y, SINGLE, 2)) == 0.0
