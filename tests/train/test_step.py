"""One step: however its batch is cut and padded, the gradients are those of the whole batch."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from headstart.base.model import Encoder
from headstart.task.model import Objective, Part
from headstart.train.groups import activate, depth_groups
from headstart.train.guard import Ceiling
from headstart.train.lesson import Labels
from headstart.train.linear import LinearHead
from headstart.train.loss import Scale
from headstart.train.network import Network
from headstart.train.samples import Samples, micro_batches
from headstart.train.step import Stepper

from .small import WIDTH, small_encoder
from .toys import recipe

TEXTS = ["a", "b c d e f a b c", "c a", "e f a b c d", "a b", "f", "c b a f e d c b a", "d"]


@pytest.fixture(scope="module", params=["bert", "llama"])
def encoder(request, tmp_path_factory) -> Encoder:
    return small_encoder(request.param, tmp_path_factory.mktemp(request.param))


def stepper(encoder: Encoder, units: int) -> Stepper:
    """A step in pieces of at most ``units`` tokens, padding counted."""
    generator = np.random.default_rng(0)
    weight = generator.normal(0, 0.3, (3, WIDTH)).astype(np.float32)
    head = LinearHead(weight, np.zeros(3, np.float32))
    network = Network(copy.deepcopy(encoder), head, Objective.SINGLE_LABEL, pair=False)
    groups = depth_groups(network)
    activate(network, groups, 0, keep_statistics=True)
    network.eval()  # dropout draws in another order for other pieces
    part = Part(TEXTS, np.arange(8) % 3, TEXTS, TEXTS)
    return Stepper(
        network, groups, recipe(), Labels(part, Objective.SINGLE_LABEL, Scale()),
        Samples(network.encode, network.size, TEXTS), Ceiling(units), print,
    )  # fmt: skip


@pytest.mark.parametrize("units", [1, 12, 24])
def test_pieces_of_like_length_are_the_padded_batch(encoder, units):
    rows = list(range(len(TEXTS)))
    padded, pieces = stepper(encoder, 10_000), stepper(encoder, units)
    assert len(micro_batches(rows, pieces.samples.sizes, units)) > 2
    assert padded._accumulate(rows) == pytest.approx(pieces._accumulate(rows), abs=1e-6)
    for (name, a), (_, b) in zip(
        padded.network.named_parameters(), pieces.network.named_parameters(), strict=True
    ):
        assert torch.allclose(a.grad, b.grad, atol=1e-6, rtol=1e-4), name


def test_more_padding_changes_nothing(encoder):
    subject = stepper(encoder, 10_000)
    short = [row for row, text in enumerate(TEXTS) if len(text) < 4]
    alone = subject.network(subject._batch(short))
    beside = subject.network(subject._batch([*short, 6]))[:-1]
    assert torch.allclose(alone, beside, atol=1e-6)
