"""Bases from torchvision: ``torchvision:resnet18/IMAGENET1K_V1``, ``?weights=``, ``?random=``."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import torch

from headstart.base.compat import prepare_torchvision
from headstart.base.image import Preprocess
from headstart.base.model import BaseCard, Encoder
from headstart.base.names import vision_name
from headstart.base.options import Options, parse_options, random_revision, weights_from
from headstart.base.sidecar import linear_in
from headstart.base.skeleton import count_parameters
from headstart.base.torchvision_image import (
    TorchvisionEncoder,
    detached,
    torchvision_preprocess,
)
from headstart.base.weights import content_hash, load_exactly, read_weights
from headstart.errors import RequestError, nearest
from headstart.task.model import Modality

_NAMES = ("resnet18/IMAGENET1K_V1", "resnet50/IMAGENET1K_V2", "mobilenet_v3_small/IMAGENET1K_V1",
          "efficientnet_b0/IMAGENET1K_V1", "vit_b_16/IMAGENET1K_V1")  # fmt: skip
_IMAGENET = Preprocess(
    size=224,
    resize=256,
    interpolation="bilinear",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
)


class Torchvision:
    """Source of torchvision's classifiers."""

    prefix = "torchvision"

    def names(self) -> list[str]:
        """Return a short list of ResNet- and ViT-class names; torchvision has some eighty."""
        return [f"torchvision:{name}" for name in _NAMES]

    def at_hand(self, name: str) -> bool:
        """Return whether the published weights lie in torch hub's cache."""
        function, _, tag = name.partition("?")[0].partition("/")
        weights = _weights(function, tag)
        return weights is not None and _hub_file(weights).is_file()

    def card(self, name: str) -> BaseCard:
        """Return the card of a model."""
        return self.load(name).card

    def load(self, name: str, pretrained: bool = True) -> Encoder:
        """Return the encoder of a model."""
        options = parse_options(name, self.prefix, pretrained)
        function, _, tag = options.name.partition("/")
        body, path, final = detached(function)
        weights = _weights(function, tag)
        file = _file(options, weights) if options.pretrained else None
        head = None
        if file is not None:
            state = read_weights(file)
            load_exactly(body, state, str(file), optional=[path])
            head = linear_in(state, f"{path}.", file)
        preprocess = torchvision_preprocess(weights.transforms()) if weights else _IMAGENET
        card = BaseCard(
            reference=f"torchvision:{name}",
            revision=content_hash(file)
            if file
            else random_revision(f"torchvision:{options.name}", options.seed or 0),
            modality=Modality.IMAGE,
            architecture=vision_name(function),
            parameters=count_parameters(body),
            width=final.in_features,
            input_size=preprocess.size,
            licence="BSD-3-Clause" if file and options.weights is None else "unknown",
            source=weights_from(options, "torchvision", "torchvision's download site"),
            pretrained=file is not None,
        )
        encoder = TorchvisionEncoder(card, body, preprocess, function)
        encoder.came_with(head)
        if file is None:
            encoder.initialise(options.seed or 0)
        return encoder


def _weights(function: str, tag: str) -> Any:
    """Return torchvision's entry for the weights ``tag`` (default ones if empty), or None.

    Raises:
        RequestError: There are no weights of that name.
    """
    prepare_torchvision()
    from torchvision import models

    entries = models.get_model_weights(function)
    if not tag:
        return getattr(entries, "DEFAULT", None)
    tags = [entry.name for entry in entries]
    if tag not in tags and tag != "DEFAULT":
        raise RequestError(
            f"torchvision has no weights '{function}/{tag}'", mend=nearest(tag, tags)
        )
    return entries[tag]


def _file(options: Options, weights: Any) -> Path:
    """Return the weight file: the user's own, torch hub's cached one, or a fresh download."""
    if options.weights is not None:
        return options.weights
    if weights is None:
        raise RequestError(
            f"torchvision publishes no weights for '{options.name}'",
            mend=f"use torchvision:{options.name}?weights=FILE",
        )
    file = _hub_file(weights)
    if not file.is_file():
        _download(weights.url, file, options.name)
    _check_prefix(file)
    return file


def _hub_file(weights: Any) -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / str(weights.url).rpartition("/")[2]


def _download(url: str, file: Path, name: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    found = re.search(r"-([a-f0-9]{8,})\.", file.name)
    try:
        # Writes beside, checks the hash, then renames.
        torch.hub.download_url_to_file(url, str(file), found[1] if found else None, progress=False)
    except (OSError, RuntimeError) as error:
        raise RequestError(
            f"the weights cannot be downloaded ({type(error).__name__})",
            where=f"torchvision:{name}",
            mend=f"put {file.name} into {file.parent}, or use torchvision:{name}?weights=FILE",
        ) from error


def _check_prefix(file: Path) -> None:
    """Compare the file with the hash prefix in its name (``resnet18-f37072fd.pth``)."""
    found = re.search(r"-([a-f0-9]{8,})\.", file.name)
    with file.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if found and not actual.startswith(found[1]):
        raise RequestError(
            f"the file is damaged: its SHA-256 starts with {actual[:8]}, expected {found[1]}",
            where=str(file),
            mend="delete it and run again, or put an intact copy there",
        )


SOURCE = Torchvision()
