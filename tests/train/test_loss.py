"""Losses: torch's own mean over the whole batch, however it is cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from headstart.task.model import Objective, Part
from headstart.train.loss import (
    IGNORED,
    Scale,
    batch_targets,
    class_weights,
    loss_sum,
    target_scale,
    weight_sum,
)

SINGLE, MULTI = Objective.SINGLE_LABEL, Objective.MULTI_LABEL
REAL, TAGS = Objective.REAL, Objective.TAGS
generator = torch.Generator().manual_seed(0)
LOGITS = torch.randn(6, 3, generator=generator)
WEIGHT = torch.tensor([0.5, 1.0, 3.0])


def part(targets) -> Part:
    rows = [str(row) for row in range(len(targets))]
    return Part(rows, targets, rows, rows)


def mean(objective, logits, targets, weight=None) -> float:
    total = weight_sum(objective, targets, weight)
    return float(loss_sum(objective, logits, targets, weight) / total)


def test_single_label_is_cross_entropy():
    targets = torch.tensor([0, 1, 2, 2, 1, 0])
    expected = F.cross_entropy(LOGITS, targets)
    assert mean(SINGLE, LOGITS, targets) == pytest.approx(float(expected))


def test_class_weights_make_torchs_weighted_mean():
    targets = torch.tensor([0, 1, 2, 2, 1, 0])
    expected = F.cross_entropy(LOGITS, targets, weight=WEIGHT)
    assert mean(SINGLE, LOGITS, targets, WEIGHT) == pytest.approx(float(expected))


def test_multi_label_is_binary_cross_entropy():
    targets = (LOGITS > 0.3).float()
    expected = F.binary_cross_entropy_with_logits(LOGITS, targets)
    assert mean(MULTI, LOGITS, targets) == pytest.approx(float(expected))


def test_a_real_target_has_the_squared_error():
    logits, targets = torch.tensor([[1.0], [3.0]]), torch.tensor([0.0, 1.0])
    assert mean(REAL, logits, targets) == pytest.approx(2.5)


def test_tags_count_each_word_and_no_padding():
    tags = [np.array([0, 2]), np.array([1]), np.array([2, 2, 0])]
    targets = batch_targets(part(tags), [0, 1, 2], TAGS, Scale())
    assert targets.tolist() == [[0, 2, IGNORED], [1, IGNORED, IGNORED], [2, 2, 0]]
    logits = torch.randn(3, 3, 3, generator=generator)
    words = torch.cat([logits[0, :2], logits[1, :1], logits[2]])
    expected = F.cross_entropy(words, torch.tensor([0, 2, 1, 2, 2, 0]))
    assert weight_sum(TAGS, targets) == 6
    assert mean(TAGS, logits, targets) == pytest.approx(float(expected))


@pytest.mark.parametrize("objective", [SINGLE, MULTI, REAL])
def test_pieces_add_up_to_the_batch(objective):
    targets = {
        SINGLE: torch.tensor([0, 1, 2, 2, 1, 0]),
        MULTI: (LOGITS > 0.3).float(),
        REAL: LOGITS[:, 1],
    }[objective]
    logits = LOGITS[:, :1] if objective is REAL else LOGITS
    weight = WEIGHT if objective is SINGLE else None
    whole = loss_sum(objective, logits, targets, weight)
    pieces = [slice(0, 1), slice(1, 4), slice(4, 6)]
    found = sum(loss_sum(objective, logits[p], targets[p], weight) for p in pieces)
    assert float(found) == pytest.approx(float(whole), rel=1e-6)
    totals = sum(weight_sum(objective, targets[p], weight) for p in pieces)
    assert totals == pytest.approx(weight_sum(objective, targets, weight))


def test_weights_are_scikit_learns_balanced_ones():
    from sklearn.utils.class_weight import compute_class_weight

    targets = np.array([0, 0, 0, 0, 0, 1, 1, 2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=targets)
    np.testing.assert_allclose(class_weights(part(targets), SINGLE, 3), expected)


def test_the_weights_have_mean_one_over_the_items_and_an_absent_class_one():
    targets = np.array([0, 0, 0, 2])
    weights = class_weights(part(targets), SINGLE, 3)
    assert weights[targets].mean() == pytest.approx(1)
    assert weights[1] == 1


@pytest.mark.parametrize("objective", [MULTI, REAL, TAGS])
def test_only_single_labels_are_weighted(objective):
    assert class_weights(part(np.zeros(3)), objective, 3) is None


def test_a_real_target_is_brought_to_mean_0_and_deviation_1():
    rows = part(np.array([1990.0, 2000.0, 2010.0, 2020.0]))
    scale = target_scale(rows, REAL)
    found = batch_targets(rows, [0, 1, 2, 3], REAL, scale)
    assert found.dtype == torch.float32
    assert float(found.mean()) == pytest.approx(0, abs=1e-6)
    assert float(found.std(correction=0)) == pytest.approx(1)


def test_a_constant_real_target_is_not_divided_by_nothing():
    assert target_scale(part(np.array([3.0, 3.0])), REAL) == Scale(3.0, 1.0)
    assert target_scale(part(np.array([0, 1])), SINGLE) == Scale()
