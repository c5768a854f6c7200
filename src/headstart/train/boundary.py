"""The frozen boundary: what lies below it says the same every epoch, so it is asked once an input.

The body's own forward pass runs in both directions, so that masks, positions and pooling stay the
library's: below the boundary it is stopped where the lowest trained block begins; above it the
frozen blocks hand on what was kept, and cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from headstart.base.blocks import blocks
from headstart.base.model import Batch, Encoder
from headstart.measure.cost import counted_flop, forward_flop
from headstart.train.embed import even_batches

HIDDEN = "hidden_states"  # name of the kept states in a sample and in a batch
LENGTHS = "lengths"  # in a batch whose texts lie end to end: their lengths
TOLERANCE = 1e-3  # of the largest feature, between a whole pass and one from kept states


class _Reached(BaseException):  # no Exception: no library may swallow it
    """Carries what enters the lowest trained block out of the body's forward pass."""

    def __init__(self, hidden: Tensor) -> None:
        super().__init__()
        self.hidden = hidden


@dataclass(frozen=True)
class Boundary:
    """Where the frozen part of a body ends.

    Attributes:
        entrance: Path, in the body, of the lowest trained block.
        below: Paths of all frozen modules.
    """

    entrance: str
    below: tuple[str, ...]

    def reach(self, encoder: Encoder, batch: Batch) -> Tensor:
        """Return what enters the lowest trained block, (N, ...), without a gradient."""

        def stop(module: nn.Module, args: Any, kwargs: Any) -> None:
            raise _Reached(args[0] if args else kwargs[HIDDEN])

        entrance = _library_body(encoder).get_submodule(self.entrance)
        handle = entrance.register_forward_pre_hook(stop, with_kwargs=True)
        try:
            with torch.no_grad():
                encoder(batch)
        except _Reached as reached:
            return reached.hidden
        finally:
            handle.remove()
        raise RuntimeError(f"the forward pass does not go through {self.entrance}")

    def go_on(self, encoder: Encoder, batch: Batch) -> Tensor:
        """Return the encoder's features of a batch that holds :data:`HIDDEN`."""
        body = _library_body(encoder)
        with _replaced(body, self, batch[HIDDEN]):
            return cast(Tensor, encoder(batch))

    def holds(self, encoder: Encoder, samples: Sequence[Batch]) -> bool:
        """Tell whether a pass from kept states gives the features of a whole one.

        It does not where something goes round the boundary, as T5's position bias does.
        """
        device = encoder.device()
        batch = {k: v.to(device) for k, v in encoder.collate(samples).items()}
        try:
            with torch.no_grad():
                whole = encoder(batch)
                found = hidden_states(self, encoder, samples, torch.float32)
                found = [hidden.to(device) for hidden in found]
                kept = self.go_on(encoder, {**batch, HIDDEN: collate_hidden(found, batch)})
        except Exception:  # an unknown architecture trips over the stand-ins in many ways
            return False
        close = (whole - kept).abs().max() <= TOLERANCE * whole.abs().max()
        return whole.shape == kept.shape and bool(close)


def find_boundary(encoder: Encoder, top: int, samples: Sequence[Batch]) -> Boundary | None:
    """Return the boundary below the ``top`` uppermost blocks; None where there can be none.

    Args:
        encoder: Without adapters.
        top: Number of blocks that are trained.
        samples: A few encoded inputs, of different lengths, to try it on.
    """
    stack = blocks(encoder.body)
    if not 0 < top < len(stack):
        return None
    names = {id(module): name for name, module in encoder.body.named_modules()}
    below = [names[id(module)] for _, modules in stack[:-top] for module in modules]
    boundary = Boundary(names[id(stack[-top][1][0])], tuple(below))
    return boundary if boundary.holds(encoder, samples) else None


def hidden_states(
    boundary: Boundary, encoder: Encoder, samples: Sequence[Batch], dtype: torch.dtype
) -> list[Tensor]:
    """Return for each sample what enters the boundary, without padding, on the CPU.

    Args:
        boundary: Where.
        encoder: In evaluation mode.
        samples: Of one side; they are batched by size, so that a sample's states do not hang on
            its neighbours.
        dtype: Of the matrix products.
    """
    device = encoder.device()
    found: list[Tensor | None] = [None] * len(samples)
    for rows, filled in even_batches(encoder, samples):
        batch = encoder.collate([samples[row] for row in filled])
        batch = {name: tensor.to(device) for name, tensor in batch.items()}
        mixed = dtype is not torch.float32
        with torch.inference_mode(False), torch.autocast(device.type, dtype, enabled=mixed):
            hidden = _each(boundary.reach(encoder, batch).cpu(), batch)
        for place, row in enumerate(rows):
            found[row] = hidden[place].clone()
    return [hidden for hidden in found if hidden is not None]


def below_share(boundary: Boundary, encoder: Encoder, samples: Sequence[Batch]) -> float:
    """Return the frozen part's share of the operations of a forward pass on ``samples``."""
    batch = {k: v.to(encoder.device()) for k, v in encoder.collate(samples).items()}
    with torch.no_grad():
        batch[HIDDEN] = boundary.reach(encoder, batch)
        above = counted_flop(lambda: boundary.go_on(encoder, batch))
    return 1.0 - above / forward_flop(encoder, batch)


def collate_hidden(hidden: Sequence[Tensor], batch: Batch) -> Tensor:
    """Return the states of a batch's samples as one tensor.

    Those of texts are padded at their end to the longest, or lie end to end as the texts do.
    """
    if LENGTHS in batch:
        return torch.cat(list(hidden)).unsqueeze(0)
    if hidden[0].dim() == 3:  # an image's channels, rows and columns
        return torch.stack(list(hidden)).contiguous(memory_format=torch.channels_last)
    return nn.utils.rnn.pad_sequence(list(hidden), batch_first=True)


def _each(hidden: Tensor, batch: Batch) -> Sequence[Tensor]:
    """Return the states of each sample of a batch; those of texts that lie end to end are cut."""
    return torch.split(hidden[0], batch[LENGTHS].tolist()) if LENGTHS in batch else hidden.unbind()


def _library_body(encoder: Encoder) -> nn.Module:
    """Return the library's own module, also where peft has wrapped it."""
    unwrap = getattr(encoder.body, "get_base_model", None)
    return encoder.body if unwrap is None else cast(nn.Module, unwrap())


@contextmanager
def _replaced(body: nn.Module, boundary: Boundary, hidden: Tensor) -> Iterator[None]:
    """Let all that lies below ``boundary`` hand on ``hidden`` instead of computing."""

    def enter(module: nn.Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
        if args:  # whatever lies between two blocks (a ResNet's pooling) has changed it meanwhile
            return (hidden, *args[1:]), kwargs
        return args, {**kwargs, HIDDEN: hidden}

    frozen = [body.get_submodule(path) for path in boundary.below]
    entrance = body.get_submodule(boundary.entrance)
    handle = entrance.register_forward_pre_hook(enter, with_kwargs=True)
    before = [vars(module).get("forward") for module in frozen]  # blocks that are computed again
    for module in frozen:
        module.forward = lambda *args, **kwargs: hidden
    try:
        yield
    finally:
        handle.remove()
        for module, own in zip(frozen, before, strict=True):
            del module.forward
            if own is not None:
                module.forward = own
