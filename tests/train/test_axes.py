"""Principal axes: a rotation that loses nothing."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.train.axes import principal_axes


@pytest.mark.parametrize(("rows", "width"), [(200, 12), (12, 40)])
def test_columns_are_uncorrelated_and_a_head_says_the_same_on_both_sides(rows, width):
    random = np.random.default_rng(0)
    x = (random.normal(size=(rows, width)) * random.uniform(0.1, 5, width) + 7).astype(np.float32)
    axes = principal_axes(x, np.ones(rows))
    gram = (axes.rows.double().T @ axes.rows.double()).numpy()
    np.testing.assert_allclose(gram - np.diag(np.diag(gram)), 0, atol=1e-3 * gram.max())
    weight, bias = random.normal(size=(3, width)).astype(np.float32), np.ones(3, dtype=np.float32)
    parameters = axes.parameters(weight, bias)
    turned = (axes.rows @ parameters[:, :-1].T + parameters[:, -1]).numpy()
    np.testing.assert_allclose(turned, x @ weight.T + bias, rtol=1e-3, atol=1e-2)
    back = axes.head(parameters)
    np.testing.assert_allclose(x @ back[0].T + back[1], x @ weight.T + bias, rtol=1e-3, atol=1e-2)


def test_columns_that_carry_nothing_are_gone():
    x = np.zeros((50, 6), dtype=np.float32)
    x[:, :2] = np.random.default_rng(0).normal(size=(50, 2))
    x[:, 2] = 4.0
    assert principal_axes(x, np.ones(50)).rows.shape == (50, 2)
