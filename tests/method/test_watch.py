"""How much of validation a run looks at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.method.watch import JUDGED, WATCHED, drawn, looks

counts = st.integers(0, 10**7)
rows = st.integers(1, 10**6)


@given(counts, rows)
def test_no_more_rows_than_there_are_and_no_fewer_than_tell(n: int, there: int) -> None:
    found = looks(n, there)
    assert min(there, WATCHED[0]) <= found.watched <= there
    assert min(there, JUDGED) <= found.judged <= there
    assert found.scored == (found.evaluations + 1) * found.watched


@given(counts, counts, rows)
def test_longer_runs_look_at_no_less(first: int, second: int, there: int) -> None:
    short, long = (looks(n, there) for n in sorted((first, second)))
    assert short.watched <= long.watched
    assert short.judged <= long.judged


@pytest.mark.parametrize("there", [1, 299, 5000])
def test_more_rows_hold_those_of_fewer(there: int) -> None:
    few, many = drawn(there, 200), drawn(there, 1000)
    assert set(few.tolist()) <= set(many.tolist())
    assert len(set(few.tolist())) == min(there, 200)
    assert np.array_equal(few, np.sort(few))
    assert np.array_equal(few, drawn(there, 200))


def test_short_runs_look_at_little_of_many_rows_and_long_ones_at_all() -> None:
    assert looks(8 * 32, 10_000).judged == JUDGED
    assert looks(10 * 40_000, 10_000).judged == 10_000
