"""Intervals hold the truth as often as they say, on few items, many, and over seeds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from headstart.measure.interval import bootstrap, distinct, replicate, resampled_weights, wilson
from headstart.measure.score import METRICS, metrics, score
from headstart.task.model import Objective

from .samples import labels, probabilities

CLASSES = tuple("abc")
SINGLE = Objective.SINGLE_LABEL


def arm(generator, targets, accuracies):
    """Return one set of predictions a seed, each right on its own share of items."""
    return [
        probabilities(targets, 3, generator.random(len(targets)) < share, seed=number)
        for number, share in enumerate(accuracies)
    ]


def test_a_resample_draws_as_many_items_as_there_are():
    blocks = list(resampled_weights(7, seed=0, resamples=50))
    assert sum(len(block) for block in blocks) == 50
    assert all((block.sum(axis=1) == 7).all() for block in blocks)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    targets = labels(60, 3)
    runs = arm(np.random.default_rng(0), targets, [0.6, 0.7])
    again = [bootstrap(SINGLE, CLASSES, targets, runs, "macro_f1", seed=s) for s in (0, 0, 1)]
    assert again[0] == again[1] != again[2]


def test_the_standard_error_of_accuracy_is_the_binomial_one():
    targets = labels(2000, 3)
    runs = arm(np.random.default_rng(0), targets, [0.8])
    found = bootstrap(SINGLE, CLASSES, targets, runs, "accuracy", resamples=4000)
    expected = 2 * 1.96 * np.sqrt(found.value * (1 - found.value) / 2000)
    assert found.high - found.low == pytest.approx(expected, rel=0.05)


def test_twelve_right_of_twelve_do_not_prove_perfection():
    targets = labels(12, 3)
    perfect = [np.eye(3)[targets]]
    expected = stats.binomtest(12, 12).proportion_ci(method="wilson").low
    for metric in ("accuracy", "macro_f1", "balanced_accuracy"):
        found = bootstrap(SINGLE, CLASSES, targets, perfect, metric)
        assert (found.value, found.high) == (1.0, 1.0)
        assert found.low == pytest.approx(expected)


def test_one_item_gives_a_wide_interval():
    found = bootstrap(SINGLE, CLASSES, np.array([0]), [np.array([[1.0, 0, 0]])], "accuracy")
    assert found.low < 0.3
    assert found.high == 1.0


@pytest.mark.parametrize(("share", "items"), [(0.0, 5), (0.3, 10), (0.95, 400)])
def test_wilson_is_the_reference(share, items):
    expected = stats.binomtest(round(share * items), items).proportion_ci(method="wilson")
    assert wilson(share, items) == pytest.approx((expected.low, expected.high))


def test_seeds_that_agree_exactly_count_as_one():
    targets = labels(50, 3)
    run = probabilities(targets, 3, np.arange(50) % 3 > 0)
    once = bootstrap(SINGLE, CLASSES, targets, [run], "accuracy")
    assert bootstrap(SINGLE, CLASSES, targets, [run, run.copy(), run.copy()], "accuracy") == once
    assert len(distinct([run, run + 1])) == 2


def test_seeds_that_differ_widen_the_interval():
    targets = labels(2000, 3)
    generator = np.random.default_rng(0)
    near = bootstrap(SINGLE, CLASSES, targets, arm(generator, targets, [0.8] * 3), "accuracy")
    far = bootstrap(SINGLE, CLASSES, targets, arm(generator, targets, [0.7, 0.8, 0.9]), "accuracy")
    # three scores with a standard deviation of 0.1: t(2 degrees) = 4.3 standard errors of 0.058
    assert far.high - far.low > 4 * (near.high - near.low)
    assert far.low < 0.8 - 0.2


def test_what_a_finite_test_set_adds_to_the_scatter_of_seeds_is_not_counted_twice():
    added, raw = [], []
    for number in range(60):  # seeds of equal accuracy, which differ by items only
        generator = np.random.default_rng(number)
        targets = labels(100, 3, number)
        measure = METRICS.get("accuracy")
        runs = arm(generator, targets, [0.7] * 5)
        evaluators = [measure.evaluator(SINGLE, CLASSES, targets, run) for run in runs]
        both = replicate(evaluators, 100, number, 200).seed_variance()
        added.append(both[0])
        raw.append(both[1])
    assert np.mean(raw) == pytest.approx(0.7 * 0.3 / 100 / 5, rel=0.3)
    assert np.mean(added) < 0.5 * np.mean(raw)


def test_no_predictions_are_refused():
    with pytest.raises(ValueError, match="at least one seed"):
        bootstrap(SINGLE, CLASSES, labels(5, 3), [], "accuracy")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 25), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_the_interval_holds_its_value_and_stays_in_bounds(n, seeds, number):
    generator = np.random.default_rng(number)
    targets = generator.integers(3, size=n)
    runs = [generator.dirichlet(np.ones(3), size=n) for _ in range(seeds)]
    for metric in metrics(SINGLE):
        found = bootstrap(SINGLE, CLASSES, targets, runs, metric, resamples=50)
        expected = np.mean([score(SINGLE, CLASSES, targets, run, metric) for run in runs])
        assert found.value == pytest.approx(expected)
        assert 0 <= found.low <= found.value <= found.high
        assert np.isfinite(found.high)


@pytest.mark.parametrize("metric", ["r2", "mae", "rmse", "spearman"])
def test_a_regression_has_finite_intervals_even_of_two_items(metric):
    targets = np.array([1.0, 2.0])
    found = bootstrap(Objective.REAL, (), targets, [np.array([1.5, 1.9])], metric, resamples=50)
    assert np.isfinite([found.low, found.value, found.high]).all()
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize(("items", "share"), [(30, 0.9), (200, 0.7)])
def test_the_interval_of_one_model_holds_the_true_accuracy_95_times_of_100(items, share):
    held = 0
    for number in range(300):
        generator = np.random.default_rng(number)
        targets = labels(items, 3, number)
        runs = arm(generator, targets, [share])
        found = bootstrap(SINGLE, CLASSES, targets, runs, "accuracy", number, resamples=300)
        held += found.low <= share <= found.high
    assert 0.92 <= held / 300 <= 1.0


def test_the_interval_over_three_seeds_holds_the_methods_accuracy():
    held, share = 0, 0.75
    for number in range(300):
        generator = np.random.default_rng(number)
        targets = labels(150, 3, number)
        runs = arm(generator, targets, share + generator.normal(0, 0.03, 3))
        found = bootstrap(SINGLE, CLASSES, targets, runs, "accuracy", number, resamples=200)
        held += found.low <= share <= found.high
    assert 0.91 <= held / 300 <= 0.995
