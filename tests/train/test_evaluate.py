"""Logits of many inputs, batched by length, and predictions from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from headstart.task.model import Objective
from headstart.train.evaluate import network_logits, predictions_of
from headstart.train.loss import Scale

from .toys import trainer


def test_logits_are_each_rows_own_in_the_order_asked():
    subject = trainer(rows=30)
    network, samples = subject.network.eval(), subject.samples
    rows = [7, 3, 29, 0, 3]
    found = network_logits(network, samples, rows)
    with torch.inference_mode():
        alone = [network(network.collate(samples.take([row])))[0] for row in rows]
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(found, alone, strict=True))


def test_evaluation_has_no_dropout_and_leaves_no_gradient():
    subject = trainer(dropout=0.9)
    subject.network.train()
    rows = list(range(30))
    first, second = (network_logits(subject.network, subject.samples, rows) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not any(item.requires_grad for item in first)


def test_no_rows_have_no_logits():
    subject = trainer()
    assert network_logits(subject.network, subject.samples, []) == []


def test_words_past_the_limit_get_the_heads_bias_and_padding_is_cut():
    subject = trainer()
    network = subject.network
    network.head.bias.data = torch.tensor([0.1, 0.2, 0.3])
    seen = torch.arange(6.0).reshape(1, 2, 3)  # two words of one input were read
    network.forward = lambda batch: seen
    longer, shorter = (
        network_logits(network, subject.samples, [0], words=[words])[0] for words in (4, 1)
    )
    assert torch.equal(longer[:2], seen[0])
    assert torch.allclose(longer[2:], torch.tensor([[0.1, 0.2, 0.3]] * 2))
    assert torch.equal(shorter, seen[0, :1])


LOGITS = [torch.tensor([0.0, 2.0]), torch.tensor([1.0, -1.0])]


def test_single_label_gives_probabilities_that_sum_to_one():
    found = predictions_of(Objective.SINGLE_LABEL, LOGITS)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert found.argmax(axis=1).tolist() == [1, 0]


def test_multi_label_gives_a_probability_a_label():
    found = predictions_of(Objective.MULTI_LABEL, LOGITS)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-np.array([[0, 2], [1, -1]]))), rtol=1e-6)


def test_a_real_output_is_turned_back_to_its_unit():
    found = predictions_of(Objective.REAL, [torch.tensor([0.5])], Scale(2000.0, 10.0))
    assert found == pytest.approx([2005.0])


def test_tags_give_one_index_a_word():
    found = predictions_of(Objective.TAGS, [torch.eye(3)[[2, 0]], torch.eye(3)[[1]]])
    assert [tags.tolist() for tags in found] == [[2, 0], [1]]
