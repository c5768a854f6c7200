"""Features by frozen forward passes: in chunks, without padding, decoding the next meanwhile."""

from __future__ import annotations

import io
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from headstart.base.model import Batch, Encoder
from headstart.measure.cost import forward_flop
from headstart.progress import Progress, Silent
from headstart.task.model import Image, Input, Modality
from headstart.train.allocator import giving_back, keep_memory
from headstart.train.backend.eager import Eager
from headstart.train.backend.model import Backend
from headstart.train.backend.parallel import run

Values = NDArray[np.float32] | list[NDArray[np.float32]]

TEXT_CHUNK = 2048  # inputs encoded, and kept, at once: some 10 s of MiniLM on two cores
IMAGE_CHUNK = 512  # 77 MB of 224-pixel images
_BATCH_TOKENS = 2048
_FEWEST_TOKENS = 64  # a product of a dozen rows or fewer is summed in another order

Choose = Callable[[Encoder, Sequence[Batch], int], Backend]


@dataclass(frozen=True, slots=True)
class Embedded:
    """Features of some inputs.

    Attributes:
        values: (N, D) float32, or for word inputs N arrays (W_i, D).
        sizes: (N,) int64 work of each input, ``encoder.size``.
        seconds: What encoding and the forward passes took.
    """

    values: Values
    sizes: NDArray[np.int64]
    seconds: float


def chunk_size(encoder: Encoder) -> int:
    """Return how many inputs to embed at once, so that memory stays bounded."""
    return IMAGE_CHUNK if encoder.card.modality is Modality.IMAGE else TEXT_CHUNK


def as_it_is(encoder: Encoder, samples: Sequence[Batch], count: int) -> Backend:
    """Return the encoder itself as the backend, whatever the job."""
    return Eager(encoder)


def embed(
    encoder: Encoder,
    inputs: Sequence[Input],
    *,
    choose: Choose = as_it_is,
    progress: Progress | None = None,
    label: str = "features",
) -> Embedded:
    """Return frozen features of ``inputs``, in their order.

    Args:
        encoder: Run in evaluation mode, without gradients, where its weights lie.
        inputs: N inputs, all of one type.
        choose: Returns the backend; asked once, see :func:`embed_chunks`.
        progress: Who watches; a bar of N units.
        label: What the bar says.
    """
    step = chunk_size(encoder)
    chunks = [inputs[start : start + step] for start in range(0, len(inputs), step)]
    with (progress or Silent()).bar(label, len(inputs)) as advance:
        parts = list(embed_chunks(encoder, chunks, len(inputs), choose, advance))
    if not parts:
        empty = np.empty((0, encoder.card.width), dtype=np.float32)
        return Embedded(empty, np.empty(0, dtype=np.int64), 0.0)
    return Embedded(
        join([part.values for part in parts]),
        np.concatenate([part.sizes for part in parts]),
        sum(part.seconds for part in parts),
    )


def embed_chunks(
    encoder: Encoder,
    chunks: Iterable[Sequence[Input]],
    count: int,
    choose: Choose = as_it_is,
    advance: Callable[[float], None] = lambda units: None,
) -> Iterator[Embedded]:
    """Yield the features of each chunk; the next one is encoded in a thread meanwhile.

    A chunk's features depend on that chunk only. Batches hold inputs of one size, so nothing is
    padded: the features of an input do not hang on its neighbours but for the order in which a
    matrix product of another shape may sum (on CPUs seen so far: they do not at all).

    Args:
        encoder: The body; its training mode is restored at the end.
        chunks: Non-empty runs of inputs.
        count: Inputs of all chunks.
        choose: Returns the backend for the encoder, the samples of the first chunk, and so many
            inputs in all; the time it takes is not counted.
        advance: Called with the number of inputs done.
    """
    keep_memory()
    training = encoder.training
    encoder.eval()
    remaining = iter(chunks)
    backend: Backend | None = None
    try:
        with giving_back(), ThreadPoolExecutor(max_workers=1) as thread:
            coming = _encode_next(thread, encoder, remaining)
            while coming is not None:
                began = time.perf_counter()
                samples = coming.result()
                if backend is None:
                    encoded = time.perf_counter() - began
                    backend = choose(encoder, samples, count)
                    began = time.perf_counter() - encoded
                coming = _encode_next(thread, encoder, remaining)
                values = _forward(encoder, backend, samples, advance)
                sizes = np.array([encoder.size(sample) for sample in samples], dtype=np.int64)
                yield Embedded(values, sizes, time.perf_counter() - began)
    finally:
        encoder.train(training)


def _encode_next(
    thread: ThreadPoolExecutor, encoder: Encoder, chunks: Iterator[Sequence[Input]]
) -> Future[list[Batch]] | None:
    chunk = next(chunks, None)
    return None if chunk is None else thread.submit(encoder.encode, chunk)


def _forward(
    encoder: Encoder,
    backend: Backend,
    samples: Sequence[Batch],
    advance: Callable[[float], None],
) -> Values:
    """Return features in the order of ``samples``, batch by batch."""
    found: list[NDArray[np.float32] | None] = [None] * len(samples)
    batches = list(even_batches(encoder, samples, backend.images))
    makers = [partial(_collated, encoder, samples, filled) for _, filled in batches]
    for (rows, _), array in zip(batches, run(backend, makers), strict=True):
        for place, row in enumerate(rows):
            words = samples[row].get("word_ids")
            found[row] = array[place] if words is None else array[place, : len(words)].copy()
        advance(len(rows))
    arrays = [array for array in found if array is not None]
    return np.stack(arrays) if arrays[0].ndim == 1 else arrays


def _collated(encoder: Encoder, samples: Sequence[Batch], rows: Sequence[int]) -> Batch:
    return encoder.collate([samples[row] for row in rows])


def even_batches(
    encoder: Encoder, samples: Sequence[Batch], images: int = Eager.images
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the rows of each batch, and the same rows repeated up to a shape that computes alike.

    An image batch is always full; a text batch has at least :data:`_FEWEST_TOKENS` tokens.
    """
    of_size: dict[int, list[int]] = defaultdict(list)
    for row, sample in enumerate(samples):
        of_size[encoder.size(sample)].append(row)
    image = encoder.card.modality is Modality.IMAGE
    for size in sorted(of_size, reverse=True):  # the largest first: memory is asked for once
        most = images if image else max(1, _BATCH_TOKENS // max(1, size))
        fewest = images if image else -(-_FEWEST_TOKENS // max(1, size))
        for start in range(0, len(of_size[size]), most):
            rows = of_size[size][start : start + most]
            yield rows, [rows[place % len(rows)] for place in range(max(fewest, len(rows)))]


def join(parts: Sequence[Values]) -> Values:
    """Return the values of several chunks as one."""
    if isinstance(parts[0], list):
        return [words for part in parts for words in part]
    return np.concatenate([np.asarray(part) for part in parts])


def forward_flop_per_unit(encoder: Encoder) -> float:
    """Return the floating-point operations of a forward pass, per token or per image.

    Counted on one text of some 64 tokens, or one image; the same on every run. For texts this
    takes the part of attention that grows with the square of the length as it is at 64 tokens.
    """
    sample = encoder.encode([_reference_input(encoder)])[0]
    device = encoder.device()
    batch = {name: tensor.to(device) for name, tensor in encoder.collate([sample]).items()}
    return forward_flop(encoder, batch) / max(1, encoder.size(sample))


def _reference_input(encoder: Encoder) -> Input:
    if encoder.card.modality is Modality.TEXT:
        return " ".join(["a"] * 62)
    from PIL import Image as Picture

    encoded = io.BytesIO()
    Picture.new("RGB", (64, 64)).save(encoded, "PNG")
    return Image(data=encoded.getvalue())
