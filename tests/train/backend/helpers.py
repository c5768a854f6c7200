"""Batches as the engine makes them: of inputs of one size, nothing padded."""

from __future__ import annotations

import torch

from headstart.base.model import Batch, Encoder

TEXTS = ["the quick brown fox", "to be or not", "a dog over the"]
PHRASES = [("the", "quick", "fox"), ("to", "be", "or"), ("a", "dog", "over")]


def text_batch(encoder: Encoder, inputs=TEXTS) -> Batch:
    samples = encoder.encode(inputs)
    assert len({encoder.size(sample) for sample in samples}) == 1
    return encoder.collate(samples)


def image_batch(count: int = 3, side: int = 224) -> Batch:
    generator = torch.Generator().manual_seed(0)
    shape = (count, 3, side, side)
    return {"pixel_values": torch.randint(0, 256, shape, generator=generator).to(torch.uint8)}
