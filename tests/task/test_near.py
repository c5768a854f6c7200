"""Near duplicates are found whatever the block size, in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.task import near
from headstart.task.near import near_duplicates


def test_it_finds_what_all_pairs_at_once_would(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(37, 8)), rng.normal(size=(23, 8))
    right[5] = left[30] * 3.0
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (left, right)]
    expected = list(map(tuple, np.argwhere(unit[0] @ unit[1].T >= 0.6)))
    monkeypatch.setattr(near, "_BLOCK_CELLS", 50)
    found = near_duplicates(left, right, 0.6)
    assert [(i, j) for i, j, _ in found] == expected
    assert max(found, key=lambda pair: pair[2])[:2] == (30, 5)


def test_equal_rows_have_cosine_one_and_never_more() -> None:
    rows = np.random.default_rng(1).normal(size=(50, 384)).astype(np.float32)
    found = near_duplicates(rows, rows.copy(), 1.0)
    assert [(i, j) for i, j, _ in found] == [(n, n) for n in range(50)]
    assert max(cosine for _, _, cosine in found) <= 1.0


def test_inside_one_part_each_pair_is_given_once() -> None:
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
    assert [(i, j) for i, j, _ in near_duplicates(rows, rows, 0.9)] == [(0, 2)]


def test_zeros_and_nan_resemble_nothing() -> None:
    rows = np.array([[0.0, 0.0], [np.nan, 1.0]])
    assert near_duplicates(rows, rows.copy(), 0.1) == []


def test_no_rows_have_no_duplicates() -> None:
    assert near_duplicates(np.zeros((0, 4)), np.ones((3, 4)), 0.9) == []


def test_widths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        near_duplicates(np.ones((2, 3)), np.ones((2, 4)), 0.9)
