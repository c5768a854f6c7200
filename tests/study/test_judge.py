"""Runs are compared on the rows that both have predicted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.method.watch import JUDGED, drawn
from headstart.study.judge import cut, judged_rows, others, whole

from .helpers import text_task

TASK = text_task(1000, 10)


def test_a_method_that_trains_no_steps_and_a_long_run_are_judged_on_all_rows() -> None:
    assert judged_rows(TASK, {"strength": 1.0}) is None
    assert judged_rows(TASK, {"steps": 1000, "batch": 32}) is None


def test_a_short_run_is_judged_on_some() -> None:
    found = judged_rows(TASK, {"steps": 8, "batch": 32})
    assert found is not None
    assert len(found) == JUDGED


@pytest.mark.parametrize("listed", [False, True])
def test_predictions_are_cut_to_the_same_rows_from_all_and_from_more(listed: bool) -> None:
    every = np.arange(1000)
    more, few = drawn(1000, 500), drawn(1000, 300)
    as_given = (lambda rows: [np.array([row]) for row in rows]) if listed else np.asarray
    from_all = cut(as_given(every), None, few)
    from_more = cut(as_given(more), more, few)
    from_final = cut(as_given(every), more, few)  # a finalist's, of a run judged on ``more``
    for found in (from_all, from_more, from_final):
        assert np.ravel(found).tolist() == few.tolist()


@given(st.integers(0, 40), st.data(), st.booleans())
def test_predictions_on_some_rows_and_on_all_others_make_a_whole(count, data, listed):
    rows = np.array(sorted(data.draw(st.sets(st.sampled_from(range(count))))) if count else [], int)
    as_given = (lambda found: [np.array([row]) for row in found]) if listed else np.asarray
    rest = others(rows, count)
    assert not set(rest) & set(rows)
    found = whole(as_given(rows), rows, as_given(rest))
    assert np.ravel(found).tolist() == list(range(count))


def test_without_a_wish_nothing_is_cut() -> None:
    every = np.arange(7)
    assert cut(every, None, None) is every
