"""Training only the used rows of an embedding table is training all of it."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from headstart.base.model import Encoder
from headstart.progress import Silent
from headstart.task.model import Objective, Part
from headstart.train import vocabulary
from headstart.train.evaluate import network_logits
from headstart.train.groups import depth_groups
from headstart.train.guard import Ceiling
from headstart.train.lesson import Labels
from headstart.train.linear import LinearHead
from headstart.train.loop import Trainer
from headstart.train.loss import Scale
from headstart.train.network import Network
from headstart.train.place import Place
from headstart.train.samples import Samples

from .small import LETTERS, WIDTH, small_encoder
from .toys import recipe, same, weights

TRAIN = ["a b", "b c a a", "c", "a c c b a", "b", "c a b b"]
OTHER = ["x y", "a z b", "q r s t"]  # words that no training text uses


@pytest.fixture(scope="module", params=["bert", "llama"])
def encoder(request, tmp_path_factory) -> Encoder:
    return small_encoder(request.param, tmp_path_factory.mktemp(request.param))


def trainer(encoder: Encoder, groups=depth_groups, **changes) -> Trainer:
    generator = np.random.default_rng(0)
    head = LinearHead(
        generator.normal(0, 0.3, (3, WIDTH)).astype(np.float32), np.zeros(3, np.float32)
    )
    network = Network(copy.deepcopy(encoder), head, Objective.SINGLE_LABEL, pair=False)
    part = Part(TRAIN, np.arange(6) % 3, TRAIN, TRAIN)
    scores = iter(range(99))
    return Trainer(
        network=network,
        groups=groups(network),
        recipe=recipe(rate=0.01, steps=9, batch=4, weight_decay=0.1, **changes),
        lesson=Labels(part, Objective.SINGLE_LABEL, Scale()),
        samples=Samples(network.encode, network.size, TRAIN),
        validate=lambda: (float(next(scores)), 0.0),
        seed=0,
        place=Place(None, Ceiling(1000), Silent()),
    )


def whole(monkeypatch) -> None:
    monkeypatch.setattr(vocabulary, "SHARE", 0.0)


def test_a_run_on_the_used_rows_is_a_run_on_all(encoder, monkeypatch):
    narrow = trainer(encoder)
    assert len(narrow.narrowed) == 1
    assert narrow.narrowed[0].rows.shape[0] < len(LETTERS) / 2
    start = weights(narrow.network)
    narrow.fit()
    whole(monkeypatch)
    plain = trainer(encoder)
    assert plain.narrowed == []
    plain.fit()
    assert list(weights(narrow.network)) == list(weights(plain.network))
    assert same(weights(narrow.network), weights(plain.network), within=1e-4)
    assert not same({k: v for k, v in start.items() if "head" in k}, weights(plain.network))


def test_unused_rows_only_decay(encoder):
    subject = trainer(encoder)
    before = encoder.body.get_input_embeddings().weight.detach().clone()
    subject.fit()
    after = subject.network.encoder.body.get_input_embeddings().weight.detach()
    unused = [encoder.tokenizer.convert_tokens_to_ids(letter) for letter in "xyz"]
    factor = after[unused] / before[unused]
    assert torch.allclose(factor, factor[0, 0].expand_as(factor), rtol=1e-4)
    assert 0.9 < float(factor[0, 0]) < 1.0


def test_words_that_training_did_not_see_are_read_all_the_same(encoder):
    subject = trainer(encoder)
    network = subject.network
    samples = Samples(network.encode, network.size, OTHER)
    rows = list(range(len(OTHER)))
    for step in range(3):
        subject._activate()
        subject._train_on([step, step + 1])
    narrow = network_logits(network, samples, rows)
    vocabulary.widen(network)
    wide = network_logits(network, samples, rows)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(narrow, wide, strict=True))


def test_a_table_that_is_not_trained_is_left_alone(encoder):
    subject = trainer(encoder, groups=lambda network: depth_groups(network, top=1))
    assert subject.narrowed == []


def test_a_table_that_is_mostly_used_is_left_alone(encoder, monkeypatch):
    monkeypatch.setattr(vocabulary, "SHARE", 0.1)
    assert trainer(encoder).narrowed == []
