"""Batches through a backend side by side, a core each: one alone leaves cores waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.base.model import Batch
from headstart.train.backend.model import Backend


def run(backend: Backend, batches: Sequence[Callable[[], Batch]]) -> Iterator[NDArray[np.float32]]:
    """Yield the features of each batch, in order.

    Args:
        backend: Says how many batches it takes at once; torch's threads are dealt out to them.
        batches: Each is made where it is run, so that few are in memory.
    """
    workers = min(backend.workers, len(batches))
    if workers <= 1:
        yield from (backend.features(make()) for make in batches)
        return
    threads = torch.get_num_threads()
    share = max(1, threads // workers)
    try:
        with ThreadPoolExecutor(
            workers, initializer=torch.set_num_threads, initargs=(share,)
        ) as pool:
            yield from pool.map(lambda make: backend.features(make()), batches)
    finally:
        torch.set_num_threads(threads)  # also what threads to come begin with
