"""Linear CKA: what it does not see, what it does, and that nothing makes it leave [0, 1]."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from headstart.retention.similarity import linear_cka


def drawn(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, columns))


def rotation(columns: int, seed: int = 1) -> np.ndarray:
    return np.linalg.qr(drawn(columns, columns, seed))[0]


def by_kernels(x: np.ndarray, y: np.ndarray) -> float:
    """The definition by the (N, N) kernels, HSIC over the root of both HSICs."""
    centre = np.eye(len(x)) - 1 / len(x)
    k, l = (centre @ m @ m.T @ centre for m in (x, y))  # noqa: E741 - the paper's letters
    return float((k * l).sum() / np.sqrt((k * k).sum() * (l * l).sum()))


def test_features_are_alike_themselves():
    assert linear_cka(drawn(50, 8), drawn(50, 8)) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("shape", [(50, 8, 5), (12, 30, 40)])
def test_it_is_the_alignment_of_centred_kernels(shape):
    rows, left, right = shape
    x = drawn(rows, left) + 3.0
    y = x[:, :right] @ drawn(min(left, right), right, 4) + drawn(rows, right, 2)
    assert linear_cka(x, y) == pytest.approx(by_kernels(x, y), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    scale=st.floats(1e-100, 1e100),
    offset=st.floats(-5, 5),
    seed=st.integers(0, 1000),
    columns=st.integers(1, 12),
)
def test_a_turn_a_common_scale_and_an_offset_change_nothing(scale, offset, seed, columns):
    x, y = drawn(40, columns, seed), drawn(40, 6, seed + 1)
    moved = (x @ rotation(columns, seed) + offset) * scale
    assert linear_cka(moved, y) == pytest.approx(linear_cka(x, y), abs=1e-9)
    assert linear_cka(x, moved) == pytest.approx(1.0, abs=1e-9)


def test_scaling_one_column_only_is_seen():
    x = drawn(200, 4)
    assert linear_cka(x, x * [30, 1, 1, 1]) < 0.7


def test_features_that_share_nothing_are_hardly_alike():
    rows, columns = 2000, 10
    found = linear_cka(drawn(rows, columns), drawn(rows, columns, 9))
    assert found == pytest.approx(columns / (rows + columns), abs=0.005)


def test_noise_makes_features_less_alike_the_stronger_it_is():
    x, noise = drawn(300, 8), drawn(300, 8, 5)
    found = [linear_cka(x, x + size * noise) for size in (0.0, 0.3, 1.0, 3.0)]
    assert found == sorted(found, reverse=True)
    assert found[0] - found[-1] > 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_features_are_alike_each_other_only(dtype):
    constant = np.full((20, 3), 0.1, dtype=dtype)
    assert linear_cka(constant, 7 * constant) == 1.0
    assert linear_cka(constant, drawn(20, 3)) == 0.0
    assert linear_cka(drawn(20, 3), np.zeros((20, 3))) == 0.0


finite = st.floats(-1e150, 1e150)
matrices = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6)


@settings(max_examples=100, deadline=None)
@given(x=arrays(np.float64, matrices, elements=finite), seed=st.integers(0, 9))
def test_it_stays_between_0_and_1(x, seed):
    y = drawn(len(x), 3, seed)
    assert 0.0 <= linear_cka(x, y) <= 1.0
    assert linear_cka(x, x) == pytest.approx(1.0, abs=1e-9)
    assert linear_cka(x, y) == pytest.approx(linear_cka(y, x), abs=1e-9)
