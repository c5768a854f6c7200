"""LogME: the evidence of the model as written, maximised by brute force, in every regime."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from headstart.rank.logme import LogME, log_evidence
from headstart.rank.spectrum import spectrum

from .toys import classified, valued

EXPONENTS = np.arange(-3.0, 8.1, 0.5)  # of ten, for α and β alike


def gaussian(x: np.ndarray, y: np.ndarray, log_alpha: float, log_beta: float) -> float:
    """Return ``log N(y; 0, I/β + X Xᵀ/α)`` from the full covariance."""
    covariance = np.eye(len(y)) * 10**-log_beta + x @ x.T * 10**-log_alpha
    factor = np.linalg.cholesky(covariance)
    white = np.linalg.solve(factor, y)
    log_determinant = 2 * np.log(np.diag(factor)).sum()
    return float(-(white @ white + log_determinant + len(y) * np.log(2 * np.pi)) / 2)


def brute_force(x: np.ndarray, y: np.ndarray) -> float:
    """Return the largest evidence a row: a grid, then the best points of it refined."""
    x = x.astype(np.float64)
    grid = [(gaussian(x, y, a, b), a, b) for a in EXPONENTS for b in EXPONENTS]
    starts = sorted(grid, reverse=True)[:4]
    bounds = [(-3.5, 10), (-5, 8.5)]
    found = [
        minimize(
            lambda p: -gaussian(x, y, *p),
            start[1:],
            method="Nelder-Mead",
            bounds=bounds,
            options={"xatol": 1e-6, "fatol": 1e-10, "maxiter": 2000},
        ).fun
        for start in starts
    ]
    return -min(found) / len(y)


def ours(x: np.ndarray, y: np.ndarray) -> float:
    return float(log_evidence(spectrum(x, centred=False), y[:, np.newaxis])[0])


def made(rows: int, width: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    x = (generator.normal(size=(rows, width)) * generator.uniform(0.3, 2, width)).astype(np.float32)
    y = x[:, : min(3, width)].sum(axis=1) + noise * generator.normal(size=rows)
    return x, y


@pytest.mark.parametrize("noise", [0.3, 2.0, 20.0])
@pytest.mark.parametrize(
    ("rows", "width"),
    [(40, 5), (30, 12), (20, 20), (12, 13), (10, 30), (15, 200), (3, 8), (25, 1)],
)
def test_it_is_the_brute_force_maximum(rows: int, width: int, noise: float) -> None:
    x, y = made(rows, width, noise, seed=rows + width)
    assert ours(x, y) == pytest.approx(brute_force(x, y), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(("rows", "width"), [(40, 6), (12, 40)])
def test_it_is_the_brute_force_maximum_for_classes(rows: int, width: int) -> None:
    x, _ = made(rows, width, 1.0, seed=2)
    y = (x[:, 0] > 0).astype(np.float64)
    assert ours(x, y) == pytest.approx(brute_force(x, y), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("case", ["columns", "rows", "rank", "zero column"])
@pytest.mark.parametrize(("rows", "width"), [(30, 8), (14, 20)])
def test_it_is_the_brute_force_maximum_where_features_repeat(
    case: str, rows: int, width: int
) -> None:
    x, y = made(rows, width, 1.0, seed=4)
    generator = np.random.default_rng(0)
    if case == "columns":
        x = np.hstack([x, x, x])
    elif case == "rows":
        x[rows // 2 :] = x[: rows - rows // 2]
    elif case == "rank":
        x = np.round(x[:, :2] * 8) / 8 @ generator.integers(-3, 4, size=(2, width))
    else:
        x[:, 0] = 0
    assert ours(x, y) == pytest.approx(brute_force(x, y), rel=1e-4, abs=1e-4)


def fixed_point(x: np.ndarray, y: np.ndarray) -> float:
    """Return the evidence a row where MacKay's updates of α and β, the paper's, come to rest."""
    rows, alpha, beta = len(x), 1.0, 1.0
    hessian, moment = x.T @ x, x.T @ y
    values, turn = np.linalg.eigh(hessian)
    values = np.maximum(values, 0)
    for _ in range(3000):
        mean = turn @ (beta * (turn.T @ moment) / (alpha + beta * values))
        known = (beta * values / (alpha + beta * values)).sum()
        alpha, beta = known / (mean @ mean), (rows - known) / np.square(y - x @ mean).sum()
    return gaussian(x, y, float(np.log10(alpha)), float(np.log10(beta))) / rows


@pytest.mark.parametrize(("rows", "width"), [(200, 40), (120, 300)])
def test_it_is_where_the_papers_iteration_comes_to_rest(rows: int, width: int) -> None:
    generator = np.random.default_rng(0)
    x = (generator.normal(size=(rows, width)) / np.sqrt(np.arange(1, width + 1))).astype(np.float32)
    y = (x[:, :5].sum(axis=1) + 0.5 * generator.normal(size=rows) > 0).astype(np.float64)
    assert ours(x, y) == pytest.approx(fixed_point(x.astype(np.float64), y), rel=1e-8)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    rows=st.integers(3, 16),
    width=st.integers(1, 24),
    noise=st.sampled_from([0.2, 1.0, 8.0]),
    seed=st.integers(0, 999),
)
def test_no_alpha_and_beta_do_better(rows: int, width: int, noise: float, seed: int) -> None:
    x, y = made(rows, width, noise, seed)
    best = ours(x, y)
    coarse = max(
        gaussian(x.astype(np.float64), y, a, b) for a in EXPONENTS[::2] for b in EXPONENTS[::2]
    )
    assert best >= coarse / rows - 1e-6


def test_features_that_explain_nothing_give_the_evidence_of_noise() -> None:
    y = np.array([1.0, -1.0, 1.0, -1.0])
    x = np.array([[1.0], [1.0], [1.0], [1.0]], dtype=np.float32)
    assert ours(x, y) == pytest.approx(-(np.log(2 * np.pi) + 1) / 2)


def test_a_perfect_fit_is_finite_and_beats_a_noisy_one() -> None:
    x, perfect = made(50, 4, 0.0, seed=1)
    noisy = perfect + np.random.default_rng(0).normal(size=50)
    assert ours(x, noisy) < ours(x, perfect) < 15


def test_width_without_information_does_not_help() -> None:
    narrow = classified(1.0, rows=100, width=20)
    noise = np.random.default_rng(0).normal(size=(100, 400)).astype(np.float32)
    wide = replace(narrow, features=np.hstack([narrow.features, noise]))
    assert LogME().score(wide) < LogME().score(narrow)


def test_the_unit_of_the_target_only_shifts_it() -> None:
    evidence = valued(1.0)
    larger = replace(evidence, targets=evidence.targets * 1e6)
    expected = LogME().score(evidence) - np.log(1e6)
    assert LogME().score(larger) == pytest.approx(expected, rel=1e-9)


def test_a_class_without_a_row_changes_nothing() -> None:
    evidence = classified(1.0)
    assert LogME().score(replace(evidence, n_classes=9)) == LogME().score(evidence)
