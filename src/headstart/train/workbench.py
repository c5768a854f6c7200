"""One base at work on one task: what its methods share, computed once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from headstart.base import reference
from headstart.base.device import pick_device
from headstart.base.model import BaseCard, Batch, Encoder
from headstart.base.text import TextEncoder
from headstart.files import digest
from headstart.progress import Progress
from headstart.task.model import Input, Kind, Modality, Objective, Part, Task
from headstart.train.boundary import Boundary, below_share, find_boundary
from headstart.train.cache import FeatureCache
from headstart.train.embed import forward_flop_per_unit
from headstart.train.evaluate import network_logits
from headstart.train.guard import IMAGE_CEILING, TEXT_CEILING, Ceiling
from headstart.train.network import Network, random_head
from headstart.train.samples import Samples
from headstart.train.states import States

T = TypeVar("T")
ROUNDED = ("train",)  # parts that heads are only fitted on: rounding moves no score of a model
Values = NDArray[np.float32] | list[NDArray[np.float32]]


@dataclass(frozen=True)
class PartFeatures:
    """Frozen features of one part.

    Attributes:
        values: (N, D), or for tags N arrays (W, D).
        seconds: What computing them took when they were computed.
        flop: Operations, the same whether they came from the cache or not.
    """

    values: Values
    seconds: float
    flop: float


class Workbench:
    """Holds a base's pristine weights, features, encoded samples and memory ceiling.

    Args:
        task: What to learn.
        base: Reference of the base.
        cache: Where features are kept.
        folder: Where the memory ceiling is remembered.
        progress: Who watches.

    Attributes:
        again: Names of methods whose activations do not fit: they are computed again.
        small: Names of methods whose optimiser does not fit: its moments are in 8 bits.
    """

    def __init__(
        self, task: Task, base: str, cache: FeatureCache, folder: Path, progress: Progress
    ) -> None:
        self.task, self.base = task, base
        self.cache, self.folder, self.progress = cache, folder, progress
        self._features: dict[str, PartFeatures] = {}
        self._samples: dict[str, Samples] = {}
        self._whole: tuple[Workbench, NDArray[np.int64]] | None = None
        self._made: dict[str, Any] = {}
        self.again: set[str] = set()
        self.small: set[str] = set()
        self._kept: tuple[Any, dict[str, States]] = (None, {})

    @cached_property
    def pristine(self) -> Encoder:
        """The encoder with the base's weights, on the device; never trained."""
        encoder = reference.load(self.base)
        if self.task.objective is Objective.TAGS and isinstance(encoder, TextEncoder):
            encoder.word_level = True  # known even if every feature comes from the cache
        encoder = encoder.to(pick_device()).eval()
        if self.task.modality is Modality.IMAGE:  # convolutions run faster on it, 1.3 times here
            encoder = encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return encoder

    @property
    def card(self) -> BaseCard:
        """The base's card."""
        return self.pristine.card

    @property
    def pair(self) -> bool:
        """Whether inputs are text pairs."""
        return self.task.kind is Kind.TEXT_PAIR

    def encoder(self, stand_ins: Mapping[nn.Module, nn.Module] | None = None) -> Encoder:
        """Return a copy of the encoder that may be trained.

        Args:
            stand_ins: What takes the place of some of its modules, which are not copied then.
        """
        memo: dict[int, Any] = {id(old): new for old, new in (stand_ins or {}).items()}
        return copy.deepcopy(self.pristine, memo)

    def on(self, task: Task, rows: NDArray[np.int64]) -> Workbench:
        """Return a bench for the same task with only these training rows, sharing all work."""
        bench = Workbench(task, self.base, self.cache, self.folder, self.progress)
        bench.__dict__["pristine"] = self.pristine
        bench.__dict__["flop_per_unit"] = self.flop_per_unit
        bench._whole = (self, rows)
        return bench

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what ``make`` returned when it was first called under this name.

        For what every trial on these rows starts from and none changes, e.g. the probe's head.
        """
        if name not in self._made:
            self._made[name] = make()
        found: T = self._made[name]
        return found

    def features(self, part: str) -> PartFeatures:
        """Return frozen features of a part, from the cache where they are there.

        A pair's are (N, 4 D): see :func:`headstart.train.network.combine`.
        """
        if part not in self._features:
            self._features[part] = self._share(part) if self._whole else self._embed(part)
        return self._features[part]

    def every_feature(self) -> None:
        """Compute the features of all parts."""
        for part in self.task.parts:
            self.features(part)

    def missing(self) -> list[Input]:
        """Return the inputs of all parts whose features are not in the cache, each once."""
        found: dict[str, Input] = {}
        for name, part in self.task.parts.items():
            for inputs, ids in self._sides(part):
                rows = self.cache.missing(self.pristine, ids, name in ROUNDED)
                found.update({ids[row]: inputs[row] for row in rows})
        return list(found.values())

    def _share(self, part: str) -> PartFeatures:
        """Return the features of the whole bench, of train only the rows that are left."""
        assert self._whole is not None
        whole, rows = self._whole
        found = whole.features(part)
        if part != "train":
            return found
        values = found.values
        taken = [values[row] for row in rows] if isinstance(values, list) else values[rows]
        share = len(rows) / len(values)
        return PartFeatures(taken, found.seconds * share, found.flop * share)

    def _embed(self, part: str) -> PartFeatures:
        rows = self.task.parts[part]
        label = f"features of {part} ({self.base})"
        sides = [
            self.cache.features(
                self.pristine,
                inputs,
                ids,
                progress=self.progress,
                label=label,
                rounded=part in ROUNDED,
            )
            for inputs, ids in self._sides(rows)
        ]
        if not self.pair:
            return PartFeatures(sides[0].values, sides[0].seconds, sides[0].flop)
        left, right = (np.asarray(side.values) for side in sides)
        values = np.concatenate([left, right, np.abs(left - right), left * right], axis=1)
        return PartFeatures(values, sum(s.seconds for s in sides), sum(s.flop for s in sides))

    def _sides(self, part: Part) -> list[tuple[Sequence[Input], Sequence[str]]]:
        """Return the inputs that are embedded and their ids; of pairs, each side."""
        if not self.pair:
            return [(part.inputs, part.ids)]
        sides = [[pair[side] for pair in part.inputs] for side in (0, 1)]  # type: ignore[index]
        return [(texts, [digest("text", text) for text in texts]) for texts in sides]

    def samples(self, part: str) -> Samples:
        """Return the encoded inputs of a part."""
        if part not in self._samples and self._whole is not None:
            whole, rows = self._whole
            samples = whole.samples(part)
            self._samples[part] = samples.view(rows) if part == "train" else samples
        if part not in self._samples:
            network = self._reader
            self._samples[part] = Samples(
                network.encode, network.size, self.task.parts[part].inputs
            )
        return self._samples[part]

    @cached_property
    def _reader(self) -> Network:
        head = random_head(self.task, self.pristine.card.width, seed=0)
        return Network(self.pristine, head, self.task.objective, self.pair)

    def network_for_timing(self) -> Network:
        """Return a trainable network on a copy of the encoder, with an arbitrary head."""
        head = random_head(self.task, self.pristine.card.width, seed=0)
        network = Network(self.encoder(), head, self.task.objective, self.pair)
        return network.requires_grad_(True)

    def passed(self, network: Network, rows: Sequence[int], dtype: torch.dtype) -> None:
        """Run the network forward on training samples, to be timed."""
        network_logits(network, self.samples("train"), rows, dtype=dtype)

    @cached_property
    def flop_per_unit(self) -> float:
        """Operations of a forward pass, a token or an image."""
        return forward_flop_per_unit(self.pristine)

    def boundary(self, top: int) -> Boundary | None:
        """Return where the part below the ``top`` uppermost blocks ends, if it can be told."""
        if self._whole is not None:
            return self._whole[0].boundary(top)
        return self.once(f"boundary {top}", lambda: self._boundary(top))

    def _boundary(self, top: int) -> Boundary | None:
        return find_boundary(self.pristine, top, self._few("train"))

    def _few(self, part: str) -> list[Batch]:
        """Return a short and a long sample, one side of them."""
        sizes = self.samples(part).sizes
        rows = sorted(range(len(sizes)), key=lambda row: sizes[row])
        return [sample[0] for sample in self.samples(part).take([rows[0], rows[-1]])]

    def below(self, top: int) -> float:
        """Return the share of a forward pass that is kept, so that steps do without; else 0."""
        boundary = self.boundary(top)
        if boundary is None:
            return 0.0
        return self.once(
            f"below {top}", lambda: below_share(boundary, self.pristine, self._few("train")[:1])
        )

    def states(self, part: str, top: int, dtype: torch.dtype) -> Samples:
        """Return samples of a part that carry what lies below the ``top`` uppermost blocks.

        Those of one boundary and dtype are kept, for all runs; another's replace them.
        """
        if self._whole is not None:
            whole, rows = self._whole
            states = whole.states(part, top, dtype)
            return states.view(rows) if part == "train" else states
        boundary = self.boundary(top)
        if boundary is None:
            return self.samples(part)
        if self._kept[0] != (boundary, dtype):
            self._kept = ((boundary, dtype), {})
        kept = self._kept[1]
        if part not in kept:
            below = self.below(top) * self.flop_per_unit
            kept[part] = States(self.samples(part), boundary, self.pristine, dtype, below)
        return kept[part]

    def units(self, part: str) -> int:
        """Return the tokens or images of a part."""
        return sum(self.samples(part).sizes)

    def ceiling(self) -> Ceiling:
        """Return the largest micro-batch known to fit."""
        image = self.task.modality is Modality.IMAGE
        start = IMAGE_CEILING if image else TEXT_CEILING
        name = digest(self.card.revision, self.base)[:12]
        return Ceiling.remembered(
            start[self.pristine.device().type != "cpu"], self.folder / f"ceiling-{name}.json"
        )

    def forget(self) -> None:
        """Give the memory of samples and features back; they are made again when asked for."""
        self._features.clear()
        self._samples.clear()
        self._made.clear()
        self._kept = (None, {})
