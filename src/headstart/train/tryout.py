"""Trying rates and speeds on real batches; the weights are thrown away."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from headstart.measure.cost import step_bytes, weight_bytes
from headstart.train import checkpoint
from headstart.train.groups import activate
from headstart.train.loop import Trainer
from headstart.train.moments import moment_bytes
from headstart.train.rate_finder import RangeTest, find_rate
from headstart.train.recompute import recomputing
from headstart.train.samples import micro_batches
from headstart.train.step import COUNTED

_BESIDE = 4 + 4  # bytes of a trained weight beside its moments: gradient, the best so far
TRAINED_BYTES = _BESIDE + moment_bytes("float32")


@dataclass(frozen=True)
class Counts:
    """What a training step keeps.

    Attributes:
        weights: Bytes of the network.
        trained: Trained weights, their number.
        activations: Bytes that the forward pass keeps for the backward pass.
        units: Tokens or images that it read.
    """

    weights: int
    trained: int
    activations: int
    units: int


class Tryout(Trainer):
    """A trainer of which nothing is kept."""

    def range_test(self, steps: int) -> RangeTest:
        """Climb through the rates on the first batches."""
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(self.seed)
            self._activate()
            return find_rate(self._range_loss, self.optimizer, steps=steps)

    def step_seconds(self, batches: Sequence[list[int]]) -> list[float]:
        """Take a step on each of these rows and time it."""
        devices = [self.device] if self.device.type == "cuda" else []
        seconds = []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(self.seed)
            self._activate()
            for rows in batches:
                started = time.monotonic()
                self._train_on(rows)
                seconds.append(time.monotonic() - started)
        return seconds

    def _measure(self) -> None:
        """Count nothing: what a step costs is asked for where something is to be charged."""

    def need(self, again: bool = False) -> tuple[float, float, int]:
        """Return bytes whatever the batch, bytes a unit of a micro-batch, the largest input.

        Args:
            again: Blocks are computed again; one at a time keeps all of its own.
        """
        found = self.counts()
        activations = float(found.activations)
        with recomputing(self.network.encoder.body, again) as blocks:
            if blocks:
                activations = self.counts().activations + activations / blocks
        fixed = found.weights + found.trained * (_BESIDE + self.moment_bytes)
        return float(fixed), activations / found.units, max(self.samples.sizes)

    def counts(self) -> Counts:
        """Count what a step on a few of the longest inputs keeps."""
        self.active = activate(self.network, self.groups, self.step, self.recipe.keep_statistics)
        sizes = self.samples.sizes
        few = sorted(self._order(0)[0], key=lambda row: sizes[row])[-COUNTED:]
        before = checkpoint.Moment.of(self.network)
        whole = step_bytes(self.network, lambda: self._loss(few, 1.0), self.moment_bytes)
        before.put_back(self.network)
        trained = sum(p.numel() for group in self.groups for p in group.parameters())
        weights = weight_bytes(self.network)
        activations = round(whole - weights - trained * (4 + self.moment_bytes))
        return Counts(weights, trained, activations, len(few) * sizes[few[-1]])

    def _range_loss(self, index: int) -> Tensor:
        """Return the loss on the part of a batch that fits in memory at once."""
        epoch, place = divmod(index, self.epoch_batches)
        rows = self._order(epoch)[place]
        piece = micro_batches(rows, self.samples.sizes, self.ceiling.units)[0]
        return self._loss(piece, self.lesson.weight(piece))
