"""The subsample: every class, no content twice, the same rows for every order of the file."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.rank.subsample import subsample
from headstart.task.model import Objective, Part

from .toys import MULTI, REAL, SINGLE, names


def part(targets, ids: list[str] | None = None) -> Part:
    rows = len(targets)
    found = names(rows) if ids is None else ids
    return Part([f"text {one}" for one in found], targets, found, [f"row {k}" for k in range(rows)])


def unequal(sizes: list[int]) -> Part:
    return part(np.repeat(np.arange(len(sizes)), sizes))


def test_classes_keep_their_shares_and_small_ones_a_few_rows() -> None:
    whole = unequal([3000, 900, 90, 8, 3])
    picked = subsample(whole, SINGLE)
    counts = np.bincount(whole.targets[picked])
    assert len(picked) == 1000
    assert counts[3] in (5, 6)
    assert counts[4] == 3
    assert counts[0] == pytest.approx(750, abs=10)
    assert counts[1] == pytest.approx(225, abs=5)


@pytest.mark.parametrize("objective", [SINGLE, MULTI, REAL])
def test_the_order_of_the_file_does_not_matter(objective: Objective) -> None:
    generator = np.random.default_rng(0)
    targets = {
        SINGLE: generator.integers(5, size=300),
        MULTI: (generator.random((300, 4)) < [0.5, 0.2, 0.1, 0.02]).astype(np.float32),
        REAL: generator.normal(size=300),
    }[objective]
    whole = part(targets)
    order = generator.permutation(300)
    other = whole.take(order)
    first = [whole.ids[row] for row in subsample(whole, objective, 60)]
    assert [other.ids[row] for row in subsample(other, objective, 60)] == first


def test_no_content_comes_twice() -> None:
    ids = [one for one in names(50) for _ in range(4)]
    whole = part(np.arange(200) % 3, ids)
    picked = subsample(whole, SINGLE)
    assert sorted(whole.ids[row] for row in picked) == names(50)


def test_of_rows_with_one_content_and_two_targets_file_order_does_not_choose() -> None:
    ids = ["a", "a", "b", "c"]
    whole = part(np.array([1, 0, 1, 0]), ids)
    picked = subsample(whole, SINGLE)
    other = whole.take([1, 0, 2, 3])
    assert whole.targets[picked].tolist() == other.targets[subsample(other, SINGLE)].tolist()


def test_another_seed_picks_other_rows() -> None:
    whole = unequal([500, 500])
    assert set(subsample(whole, SINGLE, 50, 0)) != set(subsample(whole, SINGLE, 50, 1))


def test_rare_labels_are_kept() -> None:
    targets = np.zeros((2000, 3), dtype=np.float32)
    targets[:, 0] = 1
    targets[7:14, 2] = 1
    whole = part(targets)
    assert whole.targets[subsample(whole, MULTI, 100)][:, 2].sum() >= 5


def test_values_keep_their_spread() -> None:
    targets = np.sort(np.random.default_rng(0).exponential(size=5000))
    whole = part(targets)
    picked = whole.targets[subsample(whole, REAL, 200)]
    assert np.quantile(picked, [0.1, 0.5, 0.9]) == pytest.approx(
        np.quantile(targets, [0.1, 0.5, 0.9]), rel=0.15
    )


def test_rows_with_tags_are_picked_whole() -> None:
    whole = part([np.array([0, 1]), np.array([1]), np.array([0, 0, 1])])
    assert len(subsample(whole, Objective.TAGS, 2)) == 2


def test_no_rows_at_all_is_no_subsample() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        subsample(unequal([5, 5]), SINGLE, 0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=30), rows=st.integers(1, 200))
def test_any_sizes_give_as_many_rows_as_asked_and_no_class_more_than_it_has(
    sizes: list[int], rows: int
) -> None:
    whole = unequal(sizes)
    picked = subsample(whole, SINGLE, rows)
    counts = Counter(whole.targets[picked].tolist())
    assert len(set(picked.tolist())) == min(rows, sum(sizes))
    if rows >= len(sizes):
        few = min(5, rows // len(sizes))
        assert all(counts[k] >= min(size, few) for k, size in enumerate(sizes))
