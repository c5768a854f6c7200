"""What every base is to the rooms above: a card, and an encoder from inputs to features."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from headstart.task.model import Input, Modality

Batch = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class BaseCard:
    """What is known of a base without training it.

    Attributes:
        reference: As the user names it, e.g. ``bundled:minilm-l6``.
        revision: Content hash or commit of the weights; part of every trial key.
        modality: What goes in.
        architecture: Class in the field's words ("BERT", "EfficientNet-Lite0", "ResNet-18").
        parameters: Number of weights of the encoder.
        width: Size of a feature vector.
        input_size: Tokens (text) or pixels a side (image) that the encoder reads.
        licence: SPDX name, or "unknown".
        source: Where the weights come from, one phrase.
        pretrained: False if the weights are random (nothing to transfer).
    """

    reference: str
    revision: str
    modality: Modality
    architecture: str
    parameters: int
    width: int
    input_size: int
    licence: str
    source: str
    pretrained: bool = True


class Encoder(nn.Module):
    """A body that turns inputs into features; one subclass a family of libraries.

    ``encode`` and ``collate`` make a batch on the CPU, ``forward`` turns it into features.
    ``save`` and the matching ``load_encoder`` in :mod:`headstart.base.layout` round-trip it in
    the layout of its own library, so that the library loads it without headstart.
    """

    card: BaseCard
    #: Weight (Z, width) and bias (Z,) of the classifier that the weights came with, if any:
    #: it reads the features, and is no part of what is trained or saved.
    source_head: tuple[Tensor, Tensor] | None = None

    def came_with(self, head: nn.Linear | None) -> None:
        """Remember the classifier that the weights came with."""
        if head is not None and head.in_features == self.card.width:
            weight = head.weight.detach().float()
            bias = weight.new_zeros(len(weight)) if head.bias is None else head.bias.detach()
            self.source_head = weight, bias.float()

    @abstractmethod
    def encode(self, inputs: Sequence[Input]) -> list[Batch]:
        """Return one unbatched sample an input: token ids, or pixels (3, H, W) as uint8/float."""

    @abstractmethod
    def collate(self, samples: Sequence[Batch]) -> Batch:
        """Return the samples as one batch, padded to the longest."""

    @abstractmethod
    def forward(self, batch: Batch) -> Tensor:
        """Return features (N, width), or (N, W, width) if ``word_ids`` is in the batch."""

    @abstractmethod
    def size(self, sample: Batch) -> int:
        """Return the work of a sample: its tokens, or 1 for an image."""

    @abstractmethod
    def preprocessing(self) -> str:
        """Return text that changes whenever the same input would give another sample."""

    @abstractmethod
    def truncated(self, inputs: Sequence[Input]) -> list[int]:
        """Return for each input how many of its tokens ``encode`` drops (0 for images)."""

    @abstractmethod
    def initialise(self, seed: int) -> None:
        """Overwrite all weights with the architecture's random initialisation from ``seed``."""

    @abstractmethod
    def lora_targets(self) -> list[str]:
        """Return names, relative to :attr:`body`, of the layers that LoRA adapts."""

    @abstractmethod
    def save(self, folder: Path, head: nn.Linear | None, classes: Sequence[str]) -> None:
        """Write body and head to ``folder`` in the layout of the base's own library."""

    @property
    @abstractmethod
    def body(self) -> nn.Module:
        """The library's own module, without a head; settable (peft wraps it)."""

    @body.setter
    def body(self, module: nn.Module) -> None: ...

    def device(self) -> torch.device:
        """Return where the weights lie."""
        return next(self.parameters()).device


class Source(Protocol):
    """Where bases come from; one file a source in :mod:`headstart.base.source`."""

    prefix: str

    def names(self) -> list[str]:
        """Return the references known without a network (may be empty), with the prefix."""
        ...

    def card(self, name: str) -> BaseCard:
        """Return the card of ``name`` (without prefix), loading as little as possible."""
        ...

    def load(self, name: str, pretrained: bool = True) -> Encoder:
        """Return the encoder, with random weights where ``pretrained`` is False."""
        ...
