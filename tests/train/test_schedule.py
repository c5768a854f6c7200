"""Learning-rate schedules and layer-wise decay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.train.schedule import layer_rates, rate_factor

shapes = st.sampled_from(["linear", "cosine", "constant"])
shares = st.floats(0, 1)
totals = st.integers(1, 500)


@given(totals, shares, shapes)
def test_the_factor_climbs_to_one_then_never_climbs_again(total, warmup, shape):
    factors = [rate_factor(step, total, warmup=warmup, shape=shape) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)
    peak = factors.index(max(factors))
    assert factors[peak] == 1
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)
    assert peak + 1 == max(1, round(warmup * total))


@given(totals, shares, st.sampled_from(["linear", "cosine"]))
def test_past_the_end_the_rate_is_nothing(total, warmup, shape):
    if round(warmup * total) < total:
        assert rate_factor(total, total, warmup=warmup, shape=shape) == pytest.approx(0)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [("linear", [0.5, 1, 1, 0.75, 0.5, 0.25]), ("constant", [0.5, 1, 1, 1, 1, 1]),
     ("cosine", [0.5, 1, 1, 0.853553, 0.5, 0.146447])],
)  # fmt: skip
def test_six_steps_of_which_two_warm_up(shape, expected):
    found = [rate_factor(step, 6, warmup=1 / 3, shape=shape) for step in range(6)]
    assert found == pytest.approx(expected, abs=1e-6)


def test_each_lower_block_has_the_decay_of_the_one_above():
    assert layer_rates(4, 0.5) == [0.125, 0.25, 0.5, 1.0]
    assert layer_rates(3, 1.0) == [1.0, 1.0, 1.0]
    assert layer_rates(0, 0.5) == []
