"""LEEP by hand, and N-LEEP as LEEP of clusters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from headstart.rank.leep import Leep
from headstart.rank.nleep import NLeep, reduced
from headstart.rank.score import Evidence
from headstart.rank.spectrum import spectrum

from .toys import SINGLE, classified, shuffled


def through(theta: list[list[float]], y: list[int]) -> Evidence:
    features = np.zeros((len(y), 1), dtype=np.float32)
    return Evidence(features, np.array(y), SINGLE, 2, np.array(theta))


def test_leep_by_hand() -> None:
    evidence = through([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7], [0.1, 0.9]], [0, 0, 1, 1])
    # source class 0 weighs 1.8, of which 1.4 in class 0; source class 1 weighs 2.2, of which 0.6
    p = [[14 / 18, 4 / 18], [6 / 22, 16 / 22]]
    truth = [
        0.8 * p[0][0] + 0.2 * p[1][0],
        0.6 * p[0][0] + 0.4 * p[1][0],
        0.3 * p[0][1] + 0.7 * p[1][1],
        0.1 * p[0][1] + 0.9 * p[1][1],
    ]
    assert Leep().score(evidence) == pytest.approx(np.log(truth).mean())


def test_leep_is_zero_where_source_classes_are_the_classes() -> None:
    evidence = through([[0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, 1, 0, 1])
    assert Leep().score(evidence) == 0.0


def test_leep_is_minus_the_entropy_where_the_head_says_nothing() -> None:
    evidence = through([[0.5, 0.5]] * 4, [0, 0, 0, 1])
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert Leep().score(evidence) == pytest.approx(-entropy)


def test_leep_refuses_without_a_source_head() -> None:
    evidence = replace(classified(1.0), source_probabilities=None)
    assert Leep().refuse(evidence) == "the base has no source head"


def test_nleep_needs_no_source_head() -> None:
    evidence = replace(classified(1.0), source_probabilities=None)
    assert NLeep().refuse(evidence) is None


def test_nleep_of_clusters_that_are_the_classes_is_nearly_zero() -> None:
    assert NLeep().score(classified(30.0)) == pytest.approx(0.0, abs=0.01)


def test_nleep_of_constant_features_is_minus_the_entropy() -> None:
    evidence = classified(1.0)
    flat = replace(evidence, features=np.ones_like(evidence.features))
    assert NLeep().score(flat) == pytest.approx(-np.log(3))


def test_nleep_hardly_changes_with_the_seed() -> None:
    evidence = classified(1.0)
    found = [NLeep().score(evidence, seed) for seed in range(5)]
    assert max(found) < 0
    assert np.ptp(found) < 0.3 * abs(np.mean(found) - NLeep().score(shuffled(evidence)))


def test_principal_axes_hold_the_energy_and_no_more() -> None:
    generator = np.random.default_rng(0)
    x = (generator.normal(size=(400, 30)) * ([10.0] * 5 + [0.1] * 25)).astype(np.float32)
    assert reduced(spectrum(x, centred=True)).shape == (400, 5 if _share(x, 4) < 0.8 else 4)
    assert reduced(spectrum(generator.normal(size=(400, 200)), centred=True)).shape == (400, 64)


def _share(x: np.ndarray, axes: int) -> float:
    variances = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2
    return float(variances[:axes].sum() / variances.sum())
