"""One base at work on one task: everything shared is computed once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from headstart.base.model import BaseCard
from headstart.files import digest
from headstart.progress import Silent
from headstart.task.model import Kind, Modality, Objective, Part, Task
from headstart.train import workbench as module
from headstart.train.cache import FeatureCache
from headstart.train.guard import TEXT_CEILING
from headstart.train.workbench import Workbench

from .toys import WIDTH, Letters, words

TEXT = Kind.CLASSIFICATION


class Base(Letters):
    """The toy encoder with a card; counts the texts it was asked to encode."""

    def __init__(self) -> None:
        super().__init__()
        self.card = BaseCard(
            reference="toy:letters", revision="r1", modality=Modality.TEXT, architecture="toy",
            parameters=1, width=WIDTH, input_size=99, licence="MIT", source="here",
        )  # fmt: skip
        self.read: list[str] = []

    def encode(self, inputs: Sequence[object]):
        self.read += [str(text) for text in inputs]
        return super().encode([str(text).replace(" ", "") for text in inputs])

    def preprocessing(self) -> str:
        return "letters"


def task(kind: Kind = TEXT, rows: int = 12) -> Task:
    parts = {}
    for seed, name in enumerate(("train", "validation", "test")):
        part = words(rows, seed)
        if kind is Kind.TEXT_PAIR:
            inputs = [(text, text[::-1] + "z") for text in part.inputs]
            part = Part(inputs, part.targets, [repr(i) for i in inputs], part.origins)
        parts[name] = part
    return Task(
        name="toy", kind=kind, objective=Objective.SINGLE_LABEL, modality=Modality.TEXT,
        input=("text",), target="label", classes=("a", "b", "c"),
        fingerprint=digest(kind), split="drawn", **parts,
    )  # fmt: skip


@pytest.fixture
def bench_of(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_DEVICE", "cpu")
    monkeypatch.setattr(module.reference, "load", lambda base: Base())
    cache = FeatureCache(tmp_path / "features")
    return lambda task: Workbench(task, "toy:letters", cache, tmp_path / "bench", Silent())


def test_features_are_the_frozen_encoders(bench_of):
    bench = bench_of(task())
    encoder = bench.pristine
    found = bench.features("train")
    with torch.inference_mode():
        for text, row in zip(bench.task.train.inputs, found.values, strict=True):
            expected = encoder(encoder.collate(encoder.encode([text])))[0].numpy()
            np.testing.assert_allclose(row, expected, atol=1e-6)
    assert found.flop > 0


def test_features_and_samples_are_computed_once(bench_of):
    bench = bench_of(task())
    first, samples = bench.features("train"), bench.samples("train")
    asked = len(bench.pristine.read)
    assert bench.features("train") is first
    assert bench.samples("train") is samples
    assert len(bench.pristine.read) == asked
    other = bench_of(task())  # another process, the same cache on disk
    assert np.array_equal(other.features("train").values, first.values)
    assert not set(other.pristine.read) & set(bench.task.train.inputs)
    assert other.features("train").flop == first.flop


def test_a_pairs_features_are_combined_from_its_sides(bench_of):
    bench = bench_of(task(Kind.TEXT_PAIR))
    values = np.asarray(bench.features("validation").values)
    assert values.shape == (12, 4 * WIDTH)
    left, right = values[:, :WIDTH], values[:, WIDTH : 2 * WIDTH]
    np.testing.assert_array_equal(
        values[:, 2 * WIDTH :], np.hstack([abs(left - right), left * right])
    )


def test_a_trained_copy_leaves_the_base_alone(bench_of):
    bench = bench_of(task())
    copy = bench.encoder()
    before = bench.pristine.inner.embedding.weight.clone()
    with torch.no_grad():
        copy.inner.embedding.weight.add_(1)
    assert torch.equal(bench.pristine.inner.embedding.weight, before)
    assert not bench.pristine.training


def test_a_bench_on_fewer_rows_shares_all_work(bench_of):
    whole = bench_of(task())
    whole.features("train"), whole.samples("train"), whole.samples("validation")
    rows = np.array([7, 2, 5])
    smaller = Task(**{**{f: getattr(whole.task, f) for f in Task.__slots__},
                      "train": whole.task.train.take(rows)})  # fmt: skip
    bench = whole.on(smaller, rows)
    asked = len(whole.pristine.read)
    assert np.array_equal(bench.features("train").values, whole.features("train").values[rows])
    assert bench.samples("train").sizes == [whole.samples("train").sizes[row] for row in rows]
    assert bench.samples("validation") is whole.samples("validation")
    assert len(whole.pristine.read) == asked
    assert bench.features("train").flop == pytest.approx(whole.features("train").flop / 4)


def test_units_are_the_tokens_of_a_part(bench_of):
    bench = bench_of(task())
    assert bench.units("test") == sum(len(text) for text in bench.task.test.inputs)


def test_the_ceiling_is_remembered_for_the_base(bench_of):
    bench = bench_of(task())
    ceiling = bench.ceiling()
    assert ceiling.units == TEXT_CEILING[0]
    ceiling.lower(asked=400, longest=9)
    assert bench_of(task()).ceiling().units == 200


def test_what_is_forgotten_is_made_again_the_same(bench_of):
    bench = bench_of(task())
    before = np.array(bench.features("train").values)
    bench.forget()
    assert np.array_equal(bench.features("train").values, before)


def test_the_network_for_timing_is_a_trainable_copy(bench_of):
    bench = bench_of(task())
    network = bench.network_for_timing()
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert network.encoder is not bench.pristine
