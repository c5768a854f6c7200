"""Folds: by content and class, whatever the order of the rows and whatever the base."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from headstart.rank.folds import by_content, folds, rarest_label

from .toys import classified, labelled, taken, valued


@pytest.mark.parametrize("make", [classified, labelled, valued])
def test_folds_follow_the_row_not_its_place(make) -> None:
    evidence = make(1.0)
    order = np.random.default_rng(0).permutation(len(evidence))
    np.testing.assert_array_equal(folds(taken(evidence, order), 0), folds(evidence, 0)[order])


def test_the_content_order_is_the_same_for_every_file_order() -> None:
    evidence = classified(1.0)
    order = np.random.default_rng(0).permutation(len(evidence))
    np.testing.assert_array_equal(
        order[by_content(taken(evidence, order), 3)], by_content(evidence, 3)
    )


def test_every_fold_has_its_share_of_every_class() -> None:
    evidence = classified(1.0, rows=157, classes=4)
    counts = np.array(
        [np.bincount(evidence.targets[folds(evidence, 0) == k], minlength=4) for k in range(5)]
    )
    assert np.ptp(counts, axis=0).max() <= 1
    assert np.ptp(counts.sum(axis=1)) <= 1


def test_every_fold_has_its_share_of_high_values() -> None:
    evidence = valued(1.0, rows=500)
    means = [evidence.targets[folds(evidence, 0) == k].mean() for k in range(5)]
    assert np.ptp(means) < 0.1 * evidence.targets.std()


def test_rows_of_one_content_share_a_fold() -> None:
    evidence = classified(1.0, rows=60)
    assert evidence.ids is not None
    ids = [one[:-1] for one in evidence.ids]  # sixteen rows an id
    fold = folds(replace(evidence, ids=ids), 0)
    assert all(
        len({int(f) for f, i in zip(fold, ids, strict=True) if i == one}) == 1 for one in ids
    )


def test_folds_do_not_see_the_features() -> None:
    evidence = classified(1.0)
    other = replace(evidence, features=-evidence.features[:, :3])
    np.testing.assert_array_equal(folds(evidence, 0), folds(other, 0))


def test_another_seed_deals_other_folds() -> None:
    evidence = classified(1.0)
    assert (folds(evidence, 0) != folds(evidence, 1)).any()


def test_the_rarest_label_of_a_row() -> None:
    targets = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 1], [0, 0, 0], [1, 1, 0]])
    assert rarest_label(targets).tolist() == [1, 0, 2, -1, 1]
