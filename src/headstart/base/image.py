"""Images to pixels, and the encoder that all image libraries share."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from headstart.base.model import BaseCard, Batch
from headstart.base.skeleton import Skeleton
from headstart.errors import RequestError
from headstart.files import canonical
from headstart.task.model import Image, Input

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How a picture becomes pixels, as the base was trained.

    Attributes:
        size: Pixels a side of what the network reads.
        resize: Pixels of the shorter side before the centre crop; None: the picture is resized
            to ``size`` x ``size`` at once, whatever its shape.
        interpolation: One of :data:`INTERPOLATIONS`.
        mean: Channel means that are subtracted, of values in 0 … 1.
        std: Channel deviations that are divided by.
    """

    size: int
    resize: int | None
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __call__(self, picture: Picture) -> Tensor:
        """Return the pixels of an RGB picture, (3, size, size) uint8."""
        from PIL.Image import Resampling

        filter_ = Resampling[self.interpolation.upper()]
        if self.resize is None:
            picture = picture.resize((self.size, self.size), filter_)
        else:
            shape = _shorter_side(picture.size, self.resize)
            picture = _centre_crop(picture.resize(shape, filter_), self.size)
        return torch.from_numpy(np.array(picture, dtype=np.uint8)).permute(2, 0, 1).contiguous()

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Preprocess:
        """Return what :func:`dataclasses.asdict` and JSON have made lists of."""
        fields = fields | {"mean": tuple(fields["mean"]), "std": tuple(fields["std"])}
        return cls(**fields)


def _shorter_side(shape: tuple[int, int], target: int) -> tuple[int, int]:
    """Scale (width, height) so that the shorter is ``target``; the longer rounds down."""
    width, height = shape
    if width <= height:
        return target, max(target, int(target * height / width))
    return max(target, int(target * width / height)), target


def _centre_crop(picture: Picture, size: int) -> Picture:
    left = round((picture.width - size) / 2)
    top = round((picture.height - size) / 2)
    return picture.crop((left, top, left + size, top + size))


class ImageEncoder(Skeleton):
    """A body that maps normalised pixels (N, 3, H, W) to features (N, width).

    Samples hold uint8 pixels, a quarter of the memory; ``forward`` normalises.

    Args:
        card: What is known of the base.
        body: The library's module, its last linear layer taken off.
        preprocess: How pictures become pixels.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, card: BaseCard, body: nn.Module, preprocess: Preprocess) -> None:
        super().__init__(card, body)
        self.preprocess = preprocess
        for name in ("mean", "std"):
            values = torch.tensor(getattr(preprocess, name)).view(1, 3, 1, 1)
            self.register_buffer(name, values, persistent=False)

    def encode(self, inputs: Sequence[Input]) -> list[Batch]:
        """Return ``{"pixel_values": (3, size, size) uint8}`` for each image."""
        wrong = next((item for item in inputs if not isinstance(item, Image)), None)
        if wrong is not None:
            raise RequestError(
                f"{self.card.reference} reads images, found a {type(wrong).__name__}",
                mend="choose a base for text, e.g. --base bundled:minilm-l6",
            )
        if len(inputs) == 1:
            return [self._sample(inputs[0])]
        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            return list(pool.map(self._sample, inputs))

    def _sample(self, image: Input) -> Batch:
        from headstart.task.images import open_image

        assert isinstance(image, Image)
        return {"pixel_values": self.preprocess(open_image(image))}

    def collate(self, samples: Sequence[Batch]) -> Batch:
        """Return ``{"pixel_values": (N, 3, size, size) uint8}``."""
        return {"pixel_values": torch.stack([sample["pixel_values"] for sample in samples])}

    def forward(self, batch: Batch) -> Tensor:
        """Return features (N, width) of uint8 pixels, or of floats in 0 … 1."""
        pixels = batch["pixel_values"]
        if pixels.dtype == torch.uint8:
            pixels = pixels.to(self.mean.dtype) / 255
        pixels = (pixels - self.mean) / self.std
        return self.features(pixels.contiguous(memory_format=torch.channels_last))

    @abstractmethod
    def features(self, pixels: Tensor) -> Tensor:
        """Return features (N, width) of normalised ``pixels`` (N, 3, H, W)."""

    def size(self, sample: Batch) -> int:
        """Return 1: every image costs the same."""
        return 1

    def preprocessing(self) -> str:
        """Return the preprocessing as canonical JSON."""
        return canonical(asdict(self.preprocess))

    def truncated(self, inputs: Sequence[Input]) -> list[int]:
        """Return zeros: nothing is dropped from an image but its margin."""
        return [0] * len(inputs)


def three(values: Sequence[float]) -> tuple[float, float, float]:
    """Return channel statistics as a triple."""
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def detach_linear(body: nn.Module, classes: int) -> tuple[str, nn.Linear]:
    """Replace the last linear layer of ``body`` by an identity; return its path and itself.

    Args:
        body: A classifier.
        classes: Its number of outputs.

    Raises:
        RequestError: The network does not end in a linear layer with that many outputs.
    """
    linear = [
        (path, module)
        for path, module in body.named_modules()
        if isinstance(module, nn.Linear) and module.out_features == classes
    ]
    if not linear:
        raise RequestError(
            f"{type(body).__name__} does not end in a linear layer with {classes} outputs",
            mend="choose an architecture that does, e.g. resnet18 or vit_b_16",
        )
    path, last = linear[-1]
    body.set_submodule(path, nn.Identity())
    return path, last
