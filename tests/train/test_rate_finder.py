"""The learning-rate range test, on losses whose answer is known."""

from __future__ import annotations

import math

import pytest
import torch

from headstart.train.rate_finder import find_rate


def quadratic(curvature: float = 100.0):
    """A bowl from (1, 1): gradient descent leaves it at rates above 2 / ``curvature``."""
    place = torch.nn.Parameter(torch.ones(2))
    return place, lambda index: 0.5 * curvature * (place**2).sum()


def test_the_rate_at_which_a_bowl_is_left_is_found():
    place, loss = quadratic(100.0)
    found = find_rate(loss, torch.optim.SGD([place], lr=0), low=1e-6, high=1e3, steps=60)
    assert 0.02 <= found.ceiling <= 0.5


@pytest.mark.parametrize("curvature", [1.0, 10_000.0])
def test_a_steeper_bowl_is_left_at_a_lower_rate(curvature):
    place, loss = quadratic(curvature)
    found = find_rate(loss, torch.optim.SGD([place], lr=0), low=1e-7, high=1e4, steps=80)
    assert 2 / curvature <= found.ceiling <= 50 / curvature


def test_where_no_rate_is_too_high_there_is_no_ceiling():
    place, loss = quadratic(0.001)
    found = find_rate(loss, torch.optim.SGD([place], lr=0), steps=20)
    assert found.ceiling is None
    assert len(found.rates) == len(found.losses) == 20


def test_rates_climb_by_one_factor_from_end_to_end():
    place, loss = quadratic(0.001)
    found = find_rate(loss, torch.optim.SGD([place], lr=0), low=1e-5, high=1e-1, steps=5)
    assert found.rates == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2, 1e-1])


def test_each_group_keeps_its_factor_on_the_rate():
    place, loss = quadratic(0.001)
    optimizer = torch.optim.SGD([{"params": [place], "factor": 0.25}], lr=0)
    find_rate(loss, optimizer, high=0.1, steps=4)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.025)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_the_end_and_the_ceiling(value):
    place, loss = quadratic(0.001)
    found = find_rate(
        lambda index: loss(index) * (value if index == 4 else 1.0),
        torch.optim.SGD([place], lr=0),
        low=1e-5,
        high=1e-1,
        steps=5,
    )
    assert len(found.losses) == 4
    assert all(math.isfinite(entry) for entry in found.losses)
    assert found.ceiling == pytest.approx(1e-1)


def test_batches_that_differ_are_not_taken_for_a_blow_up():
    place, loss = quadratic(0.001)
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(30, generator=generator)
    found = find_rate(
        lambda index: loss(index) + 1.0 + 0.3 * noise[index], torch.optim.SGD([place], lr=0)
    )
    assert found.ceiling is None
