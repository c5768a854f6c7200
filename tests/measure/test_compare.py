"""A tie is called a tie, a real difference is found, and seeds are honestly counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from headstart.measure.compare import compare, holm, verdict_of
from headstart.measure.interval import Interval
from headstart.measure.score import METRICS, score
from headstart.task.model import Objective

from .samples import labels, probabilities

SINGLE, CLASSES = Objective.SINGLE_LABEL, ("a", "b")
REPEATS = 120


def arm(generator, items_ease, seeds, accuracy, seed_spread):
    """Return predictions of ``seeds`` models: hard items are hard for all of them.

    The latent z of an item and model is ease plus noise; it is right where z passes the threshold
    that gives the model its accuracy, which varies from seed to seed.
    """
    runs = []
    for _ in range(seeds):
        z = (items_ease + generator.normal(0, 0.6, len(items_ease))) / np.hypot(1, 0.6)
        own = np.clip(accuracy + generator.normal(0, seed_spread), 0.02, 0.98)
        right = z > stats.norm.ppf(1 - own)
        runs.append(np.where(right[:, np.newaxis], [[0.1, 0.9]], [[0.9, 0.1]]))
    return runs


def verdicts(seeds, difference, seed_spread, metric="accuracy"):
    """Return the share of better and worse among repeats of a study with 500 test items."""
    found = []
    for number in range(REPEATS):
        generator = np.random.default_rng(number)
        ease = generator.normal(size=500)
        arms = [
            arm(generator, ease, count, 0.8 + gain, seed_spread)
            for count, gain in zip(seeds, (difference, 0.0), strict=True)
        ]
        targets = np.ones(500, dtype=np.int64)
        found.append(compare(SINGLE, CLASSES, targets, *arms, metric, resamples=200).verdict)
    return found.count("better") / REPEATS, found.count("worse") / REPEATS


@pytest.mark.parametrize("seeds", [(1, 1), (3, 3), (5, 2)])
@pytest.mark.parametrize("seed_spread", [0.0, 0.01])
def test_two_equal_methods_are_rarely_told_apart(seeds, seed_spread):
    # One model each says nothing of other seeds, so seed spread is no part of its claim.
    better, worse = verdicts(seeds, 0.0, 0.0 if seeds == (1, 1) else seed_spread)
    assert better + worse <= 0.07 + 1e-9


@pytest.mark.parametrize(("seeds", "seed_spread"), [((1, 1), 0.0), ((3, 3), 0.005), ((3, 1), 0.0)])
def test_five_points_on_500_items_are_found(seeds, seed_spread):
    better, worse = verdicts(seeds, 0.05, seed_spread)
    assert better >= 0.8
    assert worse == 0.0


def test_seeds_that_scatter_more_than_the_methods_differ_make_a_tie():
    targets = labels(2000, 2)
    generator = np.random.default_rng(0)

    def runs(shares):
        return [probabilities(targets, 2, generator.random(2000) < share) for share in shares]

    found = compare(
        SINGLE, CLASSES, targets, runs([0.9, 0.8, 0.7]), runs([0.82, 0.72, 0.74]), "accuracy"
    )
    assert found.verdict == "tie"
    assert found.difference.low < 0 < found.difference.high


def test_one_model_each_has_the_p_value_of_mcnemar():
    targets = labels(300, 2)
    generator = np.random.default_rng(1)
    right, other = generator.random(300) < 0.85, generator.random(300) < 0.78
    runs = [[probabilities(targets, 2, hits)] for hits in (right, other)]
    found = compare(SINGLE, CLASSES, targets, *runs, "accuracy")
    wins, losses = (right & ~other).sum(), (other & ~right).sum()
    assert found.p_value == pytest.approx(stats.binomtest(int(wins), int(wins + losses)).pvalue)
    assert found.difference.value == pytest.approx((wins - losses) / 300)


def test_the_swap_test_agrees_with_sign_flips_of_scipy():
    targets = np.random.default_rng(0).normal(size=40)
    runs = [
        targets + np.random.default_rng(s).normal(0, size, 40) for s, size in ((1, 1.0), (2, 1.25))
    ]
    found = compare(Objective.REAL, (), targets, [runs[0]], [runs[1]], "mae")
    errors = [np.abs(run - targets) for run in runs]
    expected = stats.permutation_test(
        errors, lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=20_000, rng=0
    ).pvalue
    assert found.p_value == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("low", "high", "p_value", "expected"),
    [
        (0.01, 0.2, 0.01, "better"),
        (0.01, 0.2, 0.06, "tie"),
        (-0.01, 0.2, 0.01, "tie"),
        (-0.2, -0.01, 0.01, "worse"),
    ],
)
def test_a_verdict_needs_both_the_interval_and_the_p_value(low, high, p_value, expected):
    difference = Interval((low + high) / 2, low, high)
    assert verdict_of(METRICS.get("accuracy"), difference, p_value) == expected


def test_better_follows_the_direction_of_the_metric():
    targets = np.random.default_rng(0).normal(size=200)
    near, far = targets + 0.1, targets + np.linspace(-3, 3, 200)
    assert compare(Objective.REAL, (), targets, [near], [far], "mae").verdict == "better"
    assert compare(Objective.REAL, (), targets, [near], [far], "r2").verdict == "better"
    assert compare(Objective.REAL, (), targets, [far], [near], "mae").verdict == "worse"


def test_a_method_ties_with_itself():
    targets = labels(30, 2)
    runs = [probabilities(targets, 2, np.arange(30) % 4 > 0, seed=s) for s in range(2)]
    found = compare(SINGLE, CLASSES, targets, runs, runs[::-1], "macro_f1")
    assert (found.verdict, found.difference.value) == ("tie", 0.0)
    assert found.p_value > 0.9


def test_equal_answers_on_few_items_leave_room_for_a_difference():
    targets = labels(12, 2)
    perfect = [np.eye(2)[targets]]
    found = compare(SINGLE, CLASSES, targets, perfect, perfect, "accuracy")
    assert found.p_value == 1.0
    assert found.difference.low < -0.1
    assert found.difference.high > 0.1


def test_all_right_against_all_wrong_is_found_on_twelve_items_and_is_not_certain():
    targets = labels(12, 2)
    found = compare(
        SINGLE, CLASSES, targets, [np.eye(2)[targets]], [np.eye(2)[1 - targets]], "accuracy"
    )
    assert found.verdict == "better"
    assert found.difference.low < 0.9


def test_exchanging_the_arms_mirrors_the_result():
    targets = labels(80, 2)
    arms = [
        [probabilities(targets, 2, np.random.default_rng(s).random(80) < share) for s in seeds]
        for share, seeds in ((0.8, (1, 2, 3)), (0.7, (4, 5)))
    ]
    there = compare(SINGLE, CLASSES, targets, *arms, "macro_f1")
    back = compare(SINGLE, CLASSES, targets, *arms[::-1], "macro_f1")
    assert there.difference.value == pytest.approx(-back.difference.value)
    assert there.difference.low == pytest.approx(-back.difference.high, abs=1e-9)
    assert there.p_value == pytest.approx(back.p_value)


def test_the_difference_is_that_of_the_mean_scores():
    targets = labels(60, 2)
    arms = [
        [probabilities(targets, 2, np.random.default_rng(s).random(60) < 0.7, s) for s in seeds]
        for seeds in ((1, 2), (3, 4, 5))
    ]
    means = [np.mean([score(SINGLE, CLASSES, targets, r, "macro_f1") for r in a]) for a in arms]
    found = compare(SINGLE, CLASSES, targets, *arms, "macro_f1")
    assert found.difference.value == pytest.approx(means[0] - means[1])


def test_holm_is_worked_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_only_raises_p_values_and_keeps_their_order(p_values):
    adjusted = holm(p_values)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.asarray(adjusted)[order]) >= 0).all()
