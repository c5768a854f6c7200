"""What work took is remembered, and forgotten where the file is damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.study.learnt import KEPT, Learnt


def test_what_was_never_done_is_not_known(tmp_path: Path) -> None:
    assert Learnt(tmp_path / "learnt.json").amount("features", 10) is None


def test_what_took_so_long_takes_as_long_again_in_proportion(tmp_path: Path) -> None:
    Learnt(tmp_path / "learnt.json").learn("features", 100, 5.0)
    assert Learnt(tmp_path / "learnt.json").amount("features", 300) == pytest.approx(15.0)


def test_what_does_not_grow_with_the_work_is_told_apart(tmp_path: Path) -> None:
    learnt = Learnt(tmp_path / "learnt.json")
    for units in (1, 10, 1000):
        learnt.learn("probe", units, 5.0 + 0.01 * units)
    assert learnt.amount("probe", 100) == pytest.approx(6.0, rel=1e-3)
    assert learnt.amount("probe", 10_000) == pytest.approx(105.0, rel=1e-3)


observations = st.lists(
    st.tuples(st.floats(1e-3, 1e9), st.floats(1e-3, 1e9)), min_size=1, max_size=12
)


@given(observations, st.floats(1e-3, 1e9))
def test_no_work_is_foretold_to_take_less_than_less_of_it(
    tmp_path_factory: pytest.TempPathFactory, done: list[tuple[float, float]], units: float
) -> None:
    learnt = Learnt(tmp_path_factory.mktemp("cache") / "learnt.json")
    for one in done:
        learnt.learn("probe", *one)
    small, large = learnt.amount("probe", units), learnt.amount("probe", 2 * units)
    assert small is not None
    assert large is not None
    assert 0 < small <= large * (1 + 1e-9)


def test_only_the_newest_count(tmp_path: Path) -> None:
    learnt = Learnt(tmp_path / "learnt.json")
    for seconds in [100.0] * KEPT + [1.0] * KEPT:
        learnt.learn("probe", 1, seconds)
    assert learnt.amount("probe", 1) == 1.0


@pytest.mark.parametrize(("units", "seconds"), [(0, 1.0), (1, 0.0), (-1, 1.0)])
def test_nothing_is_learnt_from_no_work(tmp_path: Path, units: float, seconds: float) -> None:
    learnt = Learnt(tmp_path / "learnt.json")
    learnt.learn("probe", units, seconds)
    assert learnt.amount("probe", 1) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(json_values)
def test_a_damaged_file_is_as_none(tmp_path_factory: pytest.TempPathFactory, found: object) -> None:
    path = tmp_path_factory.mktemp("cache") / "learnt.json"
    path.write_text(json.dumps(found))
    learnt = Learnt(path)
    known = learnt.amount("probe", 1)
    assert known is None or known > 0
    learnt.learn("features", 1, 3.0)
    assert learnt.amount("features", 2) == pytest.approx(6.0)


def test_a_cache_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Learnt(tmp_path / "file" / "learnt.json").learn("probe", 1, 1.0)
