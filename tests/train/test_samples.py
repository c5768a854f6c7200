"""Encoded inputs, the order of batches, and how a batch is split."""

from __future__ import annotations

from collections import Counter

import torch
from hypothesis import given
from hypothesis import strategies as st

from headstart.task.model import Image
from headstart.train.samples import Samples, batch_order, micro_batches

sizes = st.lists(st.integers(1, 60), min_size=1, max_size=200)


@given(sizes, st.integers(1, 40), st.integers(0, 9), st.integers(0, 9))
def test_an_epoch_holds_every_row_once(sizes, batch, seed, epoch):
    batches = batch_order(sizes, batch, seed, epoch)
    assert sorted(row for rows in batches for row in rows) == list(range(len(sizes)))
    assert len(batches) == -(-len(sizes) // batch)
    assert sum(len(rows) != batch for rows in batches) <= 1


@given(sizes, st.integers(1, 40), st.integers(0, 9), st.integers(0, 9))
def test_the_order_is_fixed_by_seed_and_epoch(sizes, batch, seed, epoch):
    assert batch_order(sizes, batch, seed, epoch) == batch_order(sizes, batch, seed, epoch)


def test_epochs_and_seeds_differ_in_their_order():
    orders = [batch_order([1] * 64, 8, seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert all(a != b for i, a in enumerate(orders) for b in orders[:i])


def test_a_batch_holds_rows_of_like_size():
    sizes = [row % 10 + 1 for row in range(400)]
    spread = [
        max(sizes[r] for r in rows) - min(sizes[r] for r in rows)
        for rows in batch_order(sizes, 8, 0, 0)
    ]
    assert max(spread) <= 1


@given(sizes, st.integers(1, 300))
def test_pieces_hold_every_row_once_and_stay_below_the_ceiling(sizes, ceiling):
    rows = list(range(len(sizes)))
    pieces = micro_batches(rows, sizes, ceiling)
    assert Counter(row for piece in pieces for row in piece) == Counter(rows)
    for piece in pieces:
        padded = len(piece) * max(sizes[row] for row in piece)
        assert padded <= ceiling or len(piece) == 1


@given(sizes)
def test_what_fits_is_one_piece(sizes):
    rows = list(range(len(sizes)))
    assert len(micro_batches(rows, sizes, len(sizes) * max(sizes))) == 1


def test_no_rows_are_no_pieces():
    assert micro_batches([], [], 10) == []


class Reader:
    """Turns an input into its number; counts what it was asked."""

    def __init__(self) -> None:
        self.read: list[object] = []

    def encode(self, inputs):
        self.read += list(inputs)
        numbers = [len(item.data) if isinstance(item, Image) else int(item) for item in inputs]
        return [({"x": torch.full((number,), number)},) for number in numbers]

    @staticmethod
    def size(sample) -> int:
        return len(sample[0]["x"])


def numbers(samples) -> list[int]:
    return [int(sample[0]["x"][0]) for sample in samples]


def test_texts_are_encoded_once_and_kept():
    reader = Reader()
    samples = Samples(reader.encode, reader.size, ["3", "1", "2"], memory=0)
    assert samples.sizes == [3, 1, 2]
    assert numbers(samples.take([2, 0, 2])) == [2, 3, 2]
    assert reader.read == ["3", "1", "2"]


def test_images_are_decoded_when_needed_and_kept_while_there_is_room():
    reader = Reader()
    images = [Image(data=b"x" * n) for n in (1, 2, 3)]
    samples = Samples(reader.encode, reader.size, images, memory=8 * 3)
    assert samples.sizes == [1, 1, 1]  # an image is one unit
    assert reader.read == []
    assert numbers(samples.take([0, 1])) == [1, 2]  # 8 and 16 bytes: full
    assert numbers(samples.take([1, 2, 0])) == [2, 3, 1]
    assert numbers(samples.take([2])) == [3]
    assert reader.read == [images[0], images[1], images[2], images[2]]


def test_a_view_shows_its_rows_and_reads_nothing_twice():
    reader = Reader()
    samples = Samples(reader.encode, reader.size, ["3", "1", "2", "5"])
    view = samples.view([3, 1])
    assert (len(view), view.sizes, numbers(view.take([1, 0]))) == (2, [5, 1], [1, 5])
    assert numbers(view.view([1]).take([0])) == [1]
    assert len(reader.read) == 4
