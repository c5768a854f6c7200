"""Summaries and distances: the same task is at 0, a like one is nearer than another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from headstart.ledger.distance import CHUNK, distance, summary

SIZE = 199
Features = np.ndarray[Any, np.dtype[np.float32]]


def made(seed: int, *, domain: int = 0, rows: int = 300, classes: int = 4, width: int = 48) -> Any:
    """Return features and classes drawn around the class means of a domain."""
    centres = np.random.default_rng(domain).normal(size=(classes, width)) + domain
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, classes, rows)
    features = centres[targets] + 0.7 * rng.normal(size=(rows, width))
    return features.astype(np.float32), targets


@pytest.mark.parametrize("width", [1, 3, 48, 384])
@pytest.mark.parametrize("shape", ["classes", "real", "columns", "one-class"])
def test_a_summary_is_a_vector_of_one_size_whatever_the_task(width: int, shape: str) -> None:
    features, classes = made(0, width=width)
    targets = {
        "classes": classes,
        "real": features.sum(axis=1),
        "columns": np.eye(4, dtype=np.float32)[classes],
        "one-class": np.zeros_like(classes),
    }[shape]
    found = summary(features, targets)
    assert found.shape == (SIZE,)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


@pytest.mark.parametrize("rows", [1, 2, CHUNK, CHUNK + 1])
def test_any_number_of_rows_will_do(rows: int) -> None:
    features, targets = made(0, rows=rows, width=5)
    assert np.isfinite(summary(features, targets)).all()


@pytest.mark.parametrize("kind", ["classes", "real", "columns"])
def test_the_order_of_rows_and_the_names_of_classes_make_no_difference(kind: str) -> None:
    features, classes = made(0, rows=CHUNK + 500)
    targets: Any = {
        "classes": classes,
        "real": features[:, 0] ** 2,
        "columns": np.eye(4, dtype=np.float32)[classes],
    }[kind]
    order = np.random.default_rng(5).permutation(len(features))
    whole = summary(features, targets)
    np.testing.assert_allclose(summary(features[order], targets[order]), whole, atol=2e-6)
    if kind == "classes":
        renamed = np.array([30, 10, 40, 20])[classes]
        np.testing.assert_allclose(summary(features, renamed), whole, atol=2e-6)


def test_the_same_rows_give_the_same_summary_and_the_scale_of_a_base_none() -> None:
    features, targets = made(0)
    assert summary(features, targets).tobytes() == summary(features, targets).tobytes()
    scaled = summary(features * np.float32(64), targets)
    np.testing.assert_allclose(scaled, summary(features, targets), atol=2e-6)


@pytest.mark.parametrize(
    "other",
    [
        summary(*made(3, domain=1)),
        summary(made(1)[0], np.arange(300) % 4),
        summary(made(1)[0], np.arange(300) % 150),
        summary(*made(1, rows=3)),
        summary(*(np.repeat(part, 100, axis=0) for part in made(1))),
    ],
    ids=["domain", "question", "classes", "fewer-rows", "more-rows"],
)
def test_another_sample_is_much_nearer_than_another_task(other: Features) -> None:
    whole, sample = summary(*made(1)), summary(*made(2))
    assert 0 < distance(whole, sample) < 0.7 * distance(whole, other)


def test_many_classes_of_few_rows_do_not_pass_for_classes_that_explain_much() -> None:
    features, _ = made(1)
    two, many = (summary(features, np.arange(300) % classes) for classes in (2, 150))
    assert many[-4] == pytest.approx(two[-4], abs=0.05)  # share of variance between classes


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_constant_features_are_summed_up_too(value: float) -> None:
    features = np.full((20, 6), value, np.float32)
    found = summary(features, np.arange(20) % 2)
    assert np.isfinite(found).all()
    assert distance(found, found) == 0


@pytest.mark.parametrize(
    ("features", "targets"),
    [
        (np.zeros((0, 3)), np.zeros(0, int)),
        (np.zeros((3, 0)), np.zeros(3, int)),
        (np.zeros(3), np.zeros(3, int)),
        (np.zeros((3, 2)), np.zeros(2, int)),
        (np.zeros((3, 2)), np.zeros((3, 2, 2))),
        (np.full((3, 2), np.nan), np.zeros(3, int)),
        (np.zeros((3, 2)), np.array([0.0, np.inf, 1.0])),
        (np.zeros((3, 2)), np.array(["a", "b", "c"])),
    ],
)
def test_what_does_not_fit_is_refused(features: Any, targets: Any) -> None:
    with pytest.raises(ValueError, match=r"features|targets"):
        summary(features, targets)


VECTORS = arrays(np.float32, 6, elements=st.floats(-(2.0**99), 2.0**99, width=32))


@given(first=VECTORS, second=VECTORS, third=VECTORS)
@settings(deadline=None)
def test_distance_is_a_distance(first: Features, second: Features, third: Features) -> None:
    apart = distance(first, second)
    assert apart >= 0
    assert (apart == 0) == bool((first == second).all())
    assert apart == distance(second, first)
    through = distance(first, third) + distance(third, second)
    assert apart <= through * (1 + 1e-9)
