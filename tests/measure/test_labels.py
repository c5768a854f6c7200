"""The price of a gain is read off a learning curve, and refused where the curve is flat."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from headstart.measure.interval import Interval
from headstart.measure.labels import crossing, labels_for_gain
from headstart.measure.power_law import LabelPoint, fit_power_law

SIZES = (50, 100, 200, 400, 800)


def curve(scores, half=0.002, sizes=SIZES):
    points = zip(sizes, scores, strict=True)
    return [LabelPoint(n, Interval(s, s - half, s + half)) for n, s in points]


def law(floor, scale, exponent, sizes=SIZES):
    return [1 - floor - scale * n**-exponent for n in sizes]


@pytest.mark.parametrize(("floor", "scale", "exponent"), [(0.0, 2.0, 0.5), (0.1, 3.0, 0.7)])
def test_the_law_that_made_the_curve_is_found(floor, scale, exponent):
    found = fit_power_law(curve(law(floor, scale, exponent)))
    for n in (50, 800, 3000):
        assert found.error(n) == pytest.approx(floor + scale * n**-exponent, abs=0.004)
    assert found.labels(found.error(5000)) == pytest.approx(5000, rel=1e-6)


def test_the_price_of_a_point_is_that_of_the_law():
    floor, scale, exponent = 0.05, 2.0, 0.5
    expected = ((scale * 800**-exponent - 0.01) / scale) ** (-1 / exponent) - 800
    found = labels_for_gain(curve(law(floor, scale, exponent)), 0.01)
    assert found.more == pytest.approx(expected, rel=0.1)
    assert found.low <= found.more <= found.high
    assert "more labels to gain 1 point" in found.sentence


def test_a_forecast_beyond_a_hundredfold_is_not_made():
    found = labels_for_gain(curve(law(0.0, 0.5, 0.1)), 0.2)
    assert found.more is None
    assert "not in sight" in found.sentence or "flat" in found.sentence


@pytest.mark.parametrize("seed", range(5))
def test_the_fit_is_the_best_one_under_its_bounds(seed):
    generator = np.random.default_rng(seed)
    exponent = generator.uniform(0.2, 3)  # also steeper than the law allows: the floor is at 0
    errors = 5 * np.array(SIZES, dtype=float) ** -exponent * generator.uniform(0.8, 1.2, 5)
    found = fit_power_law(curve(1 - errors))
    loss = sum((found.error(n) - e) ** 2 for n, e in zip(SIZES, errors, strict=True))
    grid = np.geomspace(0.05, 2.0, 60)
    bases = [np.stack([np.ones(5), np.array(SIZES) ** -c], axis=1) for c in grid]
    assert loss == pytest.approx(min(nnls(base, errors)[1] for base in bases) ** 2, abs=1e-12)


def test_a_larger_gain_costs_more():
    points = curve(law(0.02, 2.0, 0.5))
    assert labels_for_gain(points, 0.02).more > labels_for_gain(points, 0.01).more


def test_a_flat_curve_promises_nothing():
    found = labels_for_gain(curve([0.8, 0.9, 0.9, 0.9, 0.9]))
    assert (found.more, found.low) == (None, None)
    assert "flat" in found.sentence


def test_a_falling_curve_promises_nothing():
    assert labels_for_gain(curve([0.9, 0.88, 0.86, 0.85, 0.84])).more is None


def test_noisy_points_make_a_wide_band():
    scores = law(0.05, 2.0, 0.5)
    sharp, vague = (labels_for_gain(curve(scores, half)) for half in (0.001, 0.03))
    assert vague.high is None or vague.high - vague.low > 2 * (sharp.high - sharp.low)


def test_two_points_are_no_curve():
    found = labels_for_gain(curve([0.5, 0.6], sizes=(10, 20)))
    assert found.more is None
    assert "too few points" in found.sentence


def test_the_same_curve_gives_the_same_answer():
    points = curve(law(0.05, 1.0, 0.4), 0.02)
    assert labels_for_gain(points, seed=3) == labels_for_gain(points, seed=3)


def test_a_gain_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        labels_for_gain(curve(law(0.05, 1.0, 0.4)), 0.0)


def test_curves_cross_where_the_leader_changes():
    first, second = curve([0.6, 0.7, 0.75, 0.78, 0.8]), curve([0.3, 0.5, 0.7, 0.8, 0.9])
    found = crossing(first, second, ("transfer", "scratch"))
    # differences .05 at 200 and −.02 at 400: zero at 5/7 of the way in log n
    assert found.labels == round(200 * 2 ** (5 / 7))
    assert (found.low, found.high) == (200, 400)
    assert "transfer is ahead before, scratch after" in found.sentence


def test_a_crossing_within_the_bands_is_bracketed_by_the_sure_points():
    first, second = (
        curve([0.6, 0.7, 0.75, 0.78, 0.8], 0.05),
        curve([0.3, 0.5, 0.74, 0.8, 0.95], 0.05),
    )
    found = crossing(first, second)
    assert (found.low, found.high) == (100, 800)
    assert 200 < found.labels < 400


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ([0.5, 0.6, 0.7, 0.72, 0.74], "transfer is ahead of scratch."),
        ([0.5, 0.6, 0.7, 0.78, 0.8], "up to 200 labels; beyond that no difference"),
        ([0.6, 0.7, 0.75, 0.7, 0.7], "transfer is ahead of scratch from 400 labels on"),
        ([0.6, 0.7, 0.75, 0.78, 0.8], "no difference between transfer and scratch"),
    ],
)
def test_curves_that_do_not_cross_are_said_not_to(second, says):
    found = crossing(curve([0.6, 0.7, 0.75, 0.78, 0.8]), curve(second), ("transfer", "scratch"))
    assert found.labels is None
    assert says in found.sentence


def test_one_of_five_points_barely_apart_proves_nothing():
    first, second = [0.6, 0.7, 0.75, 0.78, 0.8], [0.6, 0.7, 0.75, 0.78, 0.8324]
    found = crossing(curve(first, 0.0196), curve(second, 0.0196))  # 2.3 standard errors apart
    assert "no difference" in found.sentence


def test_curves_without_a_common_size_cannot_be_compared():
    with pytest.raises(ValueError, match="in common"):
        crossing(curve([0.5], sizes=(10,)), curve([0.5], sizes=(20,)))


def test_the_band_holds_the_price_under_the_law():
    floor, scale, exponent, spread = 0.05, 2.0, 0.5, 0.01
    expected = ((scale * 800**-exponent - 0.02) / scale) ** (-1 / exponent) - 800
    held = 0
    for number in range(60):
        noise = np.random.default_rng(number).normal(0, spread, len(SIZES))
        found = labels_for_gain(curve(law(floor, scale, exponent) + noise, 1.96 * spread), 0.02)
        low, high = found.low or np.inf, found.high or np.inf
        held += low <= expected <= high
    assert held / 60 >= 0.85
