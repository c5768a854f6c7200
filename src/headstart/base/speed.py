"""How fast a base is on this machine, measured in a moment."""

from __future__ import annotations

import time

import torch

from headstart.base.model import Batch, Encoder
from headstart.task.model import Modality

_SECONDS = 1.0  # stop measuring after this
_BATCH = 8
_TOKENS = 64  # tokens a synthetic text


def measured_speed(encoder: Encoder) -> float:
    """Return samples a second of the frozen encoder: images, or texts of 64 tokens.

    Takes some two seconds at most, unless one batch of eight alone takes longer. The encoder's
    mode and weights are left as they were.
    """
    batch = {name: value.to(encoder.device()) for name, value in _synthetic(encoder).items()}
    training = encoder.training
    encoder.eval()
    try:
        with torch.inference_mode():
            started = time.perf_counter()
            _run(encoder, batch)  # the first pass also allocates, and counts only if slow
            first = time.perf_counter() - started
            if first > _SECONDS:
                return _BATCH / first
            passes, started = 0, time.perf_counter()
            while (elapsed := time.perf_counter() - started) < _SECONDS - first or passes == 0:
                _run(encoder, batch)
                passes += 1
    finally:
        encoder.train(training)
    return passes * _BATCH / elapsed if elapsed > 0 else _BATCH / first


def _run(encoder: Encoder, batch: Batch) -> None:
    encoder(batch).sum().item()  # .item() waits for an accelerator to finish


def _synthetic(encoder: Encoder) -> Batch:
    """Return a batch of eight random samples as ``collate`` would make it."""
    generator = torch.Generator().manual_seed(0)
    if encoder.card.modality is Modality.IMAGE:
        shape = (_BATCH, 3, encoder.card.input_size, encoder.card.input_size)
        pixels = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        return {"pixel_values": pixels}
    text = "the quick brown fox jumps over the lazy dog " * (_TOKENS // 8)
    return encoder.collate(
        [
            {name: value[: min(_TOKENS, encoder.card.input_size)] for name, value in sample.items()}
            for sample in encoder.encode([text] * _BATCH)
        ]
    )
