"""One optimiser step on given rows: pieces that fit in memory, their gradients, and its cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from headstart.base.model import Batch
from headstart.measure.cost import counted_flop, step_bytes
from headstart.train import checkpoint
from headstart.train.allocator import keep_memory
from headstart.train.groups import Group
from headstart.train.guard import Ceiling, out_of_memory
from headstart.train.lesson import Lesson
from headstart.train.moments import adamw, moment_bytes
from headstart.train.network import Network
from headstart.train.recipe import Recipe
from headstart.train.samples import Samples, micro_batches
from headstart.train.vocabulary import NarrowEmbedding, narrow

T = TypeVar("T")

COUNTED = 4  # inputs on which the operations of a step are counted


class Stepper:
    """Computes the gradients of a batch by the pieces of it that fit in memory.

    Args:
        network: What is trained.
        groups: Which of its weights, at which share of the rate.
        recipe: How.
        lesson: What the rows' loss is.
        samples: The training rows' encoded inputs.
        ceiling: Largest piece.
        note: Told what a reader should know.
    """

    def __init__(
        self,
        network: Network,
        groups: Sequence[Group],
        recipe: Recipe,
        lesson: Lesson,
        samples: Samples,
        ceiling: Ceiling,
        note: Callable[[str], None],
    ) -> None:
        keep_memory()
        self.network, self.recipe = network, recipe
        self.groups = narrow(network, groups, samples)
        self.narrowed = [m for m in network.modules() if isinstance(m, NarrowEmbedding)]
        self.lesson, self.samples = lesson, samples
        self.ceiling, self.note = ceiling, note
        self.device = network.encoder.device()
        self.dtype: torch.dtype = getattr(torch, recipe.precision)
        self.optimizer = adamw(self.groups, recipe)
        self.moment_bytes = moment_bytes(recipe.moments)

    def _update(self, rate: float) -> None:
        """Let the optimiser take its step at ``rate``, and drop the gradients."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
            for table in self.narrowed:
                if any(p is table.rows for p in group["params"]):
                    table.fade(group["lr"], self.recipe.weight_decay)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def _accumulate(self, rows: list[int]) -> float:
        """Add up the gradients of the batch, piece by piece; return its mean loss."""
        total = self.lesson.weight(rows)
        loss = 0.0
        for piece in micro_batches(rows, self.samples.sizes, self.ceiling.units):
            share = self._loss(piece, total)
            torch.autograd.backward(share)
            loss += float(share.detach())
        return loss

    def _loss(self, rows: list[int], total: float) -> Tensor:
        """Return the loss summed over ``rows``, divided by ``total``."""
        return self._loss_on(self._batch(rows), rows, total)

    def _batch(self, rows: list[int]) -> tuple[Batch, ...]:
        batch = self.network.collate(self.samples.take(rows))
        return tuple({k: v.to(self.device) for k, v in side.items()} for side in batch)

    def _loss_on(self, batch: tuple[Batch, ...], rows: list[int], total: float) -> Tensor:
        mixed = self.dtype is not torch.float32
        with torch.autocast(self.device.type, self.dtype, enabled=mixed):
            return self.lesson.loss(self.network, batch, rows) / total

    def _within_memory(self, work: Callable[[], T], rows: list[int]) -> T:
        """Return what ``work`` returns; each time memory runs out, try with smaller pieces."""
        before = checkpoint.Moment.of(self.network)
        while True:
            try:
                return work()
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
            self.optimizer.zero_grad(set_to_none=True)
            before.put_back(self.network)
            self._lower_ceiling(rows)
            self.note(
                f"memory ran out: batches are split at {self.ceiling.units} units, "
                "the effective batch stays"
            )

    def _lower_ceiling(self, rows: list[int]) -> None:
        """Halve what was asked of the memory: the widest piece of ``rows``, not the ceiling."""
        sizes = self.samples.sizes
        pieces = micro_batches(rows, sizes, self.ceiling.units)
        widest = max(len(piece) * sizes[piece[-1]] for piece in pieces)
        self.ceiling.lower(widest, max(sizes[row] for row in rows))

    def _step_cost(self, rows: list[int]) -> tuple[float, int]:
        """Return operations a unit and peak bytes of the widest micro-batch of ``rows``."""
        sizes = self.samples.sizes
        pieces = micro_batches(rows, sizes, self.ceiling.units)
        widest = max(pieces, key=lambda piece: len(piece) * sizes[piece[-1]])
        few = widest[-COUNTED:]  # a unit of the widest costs the same in a small batch
        batch = self._batch(few)  # what is kept of its inputs is no part of a step
        flop = counted_flop(lambda: torch.autograd.backward(self._loss_on(batch, few, 1.0)))
        self.optimizer.zero_grad(set_to_none=True)
        size = step_bytes(self.network, lambda: self._loss(widest, 1.0), self.moment_bytes)
        self.optimizer.zero_grad(set_to_none=True)
        return flop / sum(sizes[row] for row in few), size
