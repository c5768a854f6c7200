"""Batches side by side: in order, each made where it runs, torch's threads as they were."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from headstart.train.backend.parallel import run


class Doubling:
    """Two workers wait for each other, so both are at work at once."""

    images = 1

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.meeting = threading.Barrier(workers)
        self.threads: set[int] = set()
        self.of_torch: set[int] = set()

    def features(self, batch):
        self.meeting.wait(10)
        self.threads.add(threading.get_ident())
        self.of_torch.add(torch.get_num_threads())
        return np.asarray(batch["x"]) * 2


@pytest.fixture(autouse=True)
def _four_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def batches(count: int):
    return [lambda number=number: {"x": torch.tensor([number])} for number in range(count)]


def test_features_come_in_order_from_workers_that_share_the_threads():
    backend = Doubling(2)
    found = [array.tolist() for array in run(backend, batches(6))]
    assert found == [[2 * number] for number in range(6)]
    assert len(backend.threads) == 2
    assert backend.of_torch == {2}
    assert torch.get_num_threads() == 4


def test_one_batch_has_all_threads_to_itself():
    backend = Doubling(1)
    backend.workers = 2
    assert len(list(run(backend, batches(1)))) == 1
    assert backend.threads == {threading.get_ident()}
    assert backend.of_torch == {4}


def test_an_error_reaches_the_caller_and_the_threads_come_back():
    def broken():
        raise ValueError("no batch")

    with pytest.raises(ValueError, match="no batch"):
        list(run(Doubling(1), [broken]))
    backend = Doubling(1)
    backend.workers = 2
    with pytest.raises(ValueError, match="no batch"):
        list(run(backend, [broken, *batches(3)]))
    assert torch.get_num_threads() == 4


def test_an_impatient_caller_leaves_no_batch_behind():
    made: list[int] = []

    def make(number: int):
        made.append(number)
        return {"x": torch.tensor([number])}

    backend = Doubling(1)
    backend.workers = 2
    results = run(backend, [lambda number=number: make(number) for number in range(500)])
    next(results)
    results.close()
    assert len(made) < 500
    assert torch.get_num_threads() == 4
