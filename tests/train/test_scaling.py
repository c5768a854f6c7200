"""Standardised features and heads on them are heads on the raw ones."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headstart.train.linear import LinearHead
from headstart.train.scaling import Scaling, normalised


@given(st.integers(2, 40), st.integers(1, 6), st.integers(0, 99))
def test_a_head_on_standardised_features_is_undone_to_one_on_raw(
    rows: int, width: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(rows, width)) * rng.uniform(0.1, 50, width) + 7).astype(np.float32)
    head = LinearHead(
        rng.normal(size=(3, width)).astype(np.float32), rng.normal(size=3).astype(np.float32)
    )
    scaling = Scaling.of(x)
    np.testing.assert_allclose(
        scaling.undone(head).logits(x), head.logits(scaling(x)), rtol=1e-3, atol=1e-3
    )


def test_standardised_features_have_mean_0_and_deviation_1() -> None:
    x = np.random.default_rng(0).normal(3, 9, (500, 4)).astype(np.float32)
    found = Scaling.of(x)(x)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(found.std(axis=0), 1, atol=1e-5)


def test_a_constant_feature_stays_finite() -> None:
    x = np.array([[1.0, 2.0], [1.0, 4.0]], dtype=np.float32)
    assert np.isfinite(Scaling.of(x)(x)).all()
    assert np.isfinite(Scaling.of(np.zeros((3, 2), np.float32))(np.ones((3, 2), np.float32))).all()


def test_unit_vectors_are_told_from_others() -> None:
    x = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    assert not normalised(x)
    assert normalised(x / np.linalg.norm(x, axis=1, keepdims=True))
