"""An encoder with a head: features, pairs, and heads to start from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from headstart.task.model import Kind, Objective
from headstart.train.linear import LinearHead
from headstart.train.network import Network, combine, head_shape, random_head

from .toys import WIDTH, Letters, words


class Task:
    """As much of a task as a head's shape needs."""

    def __init__(self, kind: Kind, objective: Objective, classes: int) -> None:
        self.kind, self.objective = kind, objective
        self.classes = tuple("abcdefg"[:classes])


TEXT = Task(Kind.CLASSIFICATION, Objective.SINGLE_LABEL, 5)
REAL = Task(Kind.REGRESSION, Objective.REAL, 0)
PAIR = Task(Kind.TEXT_PAIR, Objective.SINGLE_LABEL, 2)


def test_logits_are_the_head_of_the_features():
    head = random_head(TEXT, WIDTH, seed=0)
    network = Network(Letters(), head, Objective.SINGLE_LABEL, pair=False).eval()
    batch = network.collate(network.encode(words(4).inputs))
    features = network.encoder(batch[0]).detach().numpy()
    expected = features @ head.weight.T + head.bias
    np.testing.assert_allclose(network(batch).detach().numpy(), expected, atol=1e-6)


def test_a_pair_goes_through_one_encoder_and_is_combined():
    head = random_head(PAIR, WIDTH, seed=0)
    network = Network(Letters(), head, Objective.SINGLE_LABEL, pair=True).eval()
    samples = network.encode([("ab", "cde"), ("x", "yz")])
    assert [network.size(sample) for sample in samples] == [5, 3]
    batch = network.collate(samples)
    left, right = (network.encoder(side) for side in batch)
    logits = network(batch)
    assert logits.shape == (2, 2)
    assert torch.allclose(logits, network.head(combine(left, right)))


def test_a_pairs_features_are_both_sides_their_distance_and_their_product():
    left, right = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]])
    assert combine(left, right).tolist() == [[1, 2, 3, -1, 2, 3, 3, -2]]


@pytest.mark.parametrize(("task", "shape"), [(TEXT, (5, 8)), (REAL, (1, 8)), (PAIR, (2, 32))])
def test_a_head_fits_the_task(task, shape):
    assert head_shape(task, 8) == shape
    assert random_head(task, 8, seed=0).weight.shape == shape


def test_random_heads_are_small_and_fixed_by_their_seed():
    heads = [random_head(TEXT, 200, seed) for seed in (0, 0, 1)]
    assert np.array_equal(heads[0].weight, heads[1].weight)
    assert not np.array_equal(heads[0].weight, heads[2].weight)
    assert heads[0].weight.std() == pytest.approx(0.02, rel=0.2)
    assert not heads[0].bias.any()


def test_setting_a_head_copies_it():
    head = LinearHead(
        weight=np.ones((3, WIDTH), dtype=np.float32), bias=np.arange(3, dtype=np.float32)
    )
    network = Network(Letters(), head, Objective.SINGLE_LABEL, pair=False)
    head.weight[:] = 7
    assert network.head.weight.eq(1).all()
    assert network.head.bias.tolist() == [0, 1, 2]
