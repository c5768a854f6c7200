"""Activations that are computed again: the same gradients, less memory, more operations."""

from __future__ import annotations

import copy

import pytest
import torch

from headstart.base import reference
from headstart.base.compat import prepare_torchvision
from headstart.measure.cost import counted_flop, step_bytes
from headstart.train.language import LanguageNetwork
from headstart.train.recompute import FACTOR, recomputing, stacked
from tests.speakers import write_base

TEXTS = ["the quick brown fox jumps over the lazy dog " * 3, "it was the best of times 1 2 3"]


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    prepare_torchvision(say=False)
    base = write_base(
        tmp_path_factory.mktemp("deep") / "base", num_hidden_layers=8, attention_dropout=0.2
    )
    return reference.load_decoder(base)


def step(decoder, wanted: bool):
    """Return loss, gradients, saved bytes and operations of one step."""
    network = LanguageNetwork(copy.deepcopy(decoder))
    network.train()
    batch = network.encoder.collate(network.encoder.encode(TEXTS))

    def loss():
        torch.manual_seed(3)
        return network((batch,)).sum()

    with recomputing(network.encoder.body, wanted):
        found = loss()
        found.backward()
        gradients = [p.grad.clone() for p in network.parameters()]
        network.zero_grad()
        saved = step_bytes(network, loss)
        operations = counted_flop(lambda: loss().backward())
    return float(found.detach()), gradients, saved, operations


def test_losses_and_gradients_are_the_same_and_memory_falls(decoder):
    loss, gradients, saved, operations = step(decoder, wanted=False)
    again, others, less, more = step(decoder, wanted=True)
    assert again == loss
    for one, other in zip(gradients, others, strict=True):
        torch.testing.assert_close(other, one)
    weights = 16 * sum(p.numel() for p in decoder.parameters())
    assert less - weights < 0.5 * (saved - weights)
    assert 1.1 < more / operations < FACTOR + 0.02


def test_blocks_are_their_old_selves_afterwards(decoder):
    network = LanguageNetwork(copy.deepcopy(decoder))
    blocks = stacked(network.encoder.body)
    assert len(blocks) == 8
    before = [block.forward for block in blocks]
    with recomputing(network.encoder.body) as count:
        assert count == 8
        assert all("forward" in vars(block) for block in blocks)
    assert [block.forward for block in blocks] == before
    assert not any("forward" in vars(block) for block in blocks)


def test_without_gradients_nothing_is_kept_for_later(decoder):
    batch = decoder.collate(decoder.encode(TEXTS))
    with torch.inference_mode(), recomputing(decoder.body):
        inside = decoder.eval()(batch)
    with torch.inference_mode():
        torch.testing.assert_close(decoder(batch), inside, rtol=0, atol=0)


def test_what_is_no_stack_of_blocks_is_left_alone():
    plain = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Linear(2, 2))
    with recomputing(plain) as count:
        assert count == 0
