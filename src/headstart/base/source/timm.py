"""Bases from timm: ``timm:resnet18.a1_in1k``, with ``?weights=FILE`` or ``?random=SEED``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from headstart.base.compat import prepare_torchvision
from headstart.base.model import BaseCard, Encoder
from headstart.base.names import vision_name
from headstart.base.options import parse_options, random_revision, weights_from
from headstart.base.sidecar import linear_in
from headstart.base.skeleton import count_parameters
from headstart.base.source.hf import cached, unreachable
from headstart.base.timm_image import TimmEncoder, create, timm_preprocess
from headstart.base.weights import content_hash, load_exactly, read_weights
from headstart.errors import RequestError, nearest
from headstart.task.model import Modality

_NAMES = ("resnet18.a1_in1k", "resnet50.a1_in1k", "vit_small_patch16_224.augreg_in21k_ft_in1k",
          "efficientnet_b0.ra_in1k", "convnext_tiny.fb_in1k")  # fmt: skip


class Timm:
    """Source of timm's models."""

    prefix = "timm"

    def names(self) -> list[str]:
        """Return a short list of ResNet- and ViT-class names; timm knows over a thousand."""
        return [f"timm:{name}" for name in _NAMES]

    def at_hand(self, name: str) -> bool:
        """Return whether the published weights lie in the local cache."""
        prepare_torchvision()
        import timm

        config = timm.get_pretrained_cfg(name.partition("?")[0])
        repository = config.hf_hub_id if config is not None else None
        return repository is not None and cached(str(repository), "*.safetensors")

    def card(self, name: str) -> BaseCard:
        """Return the card of a model."""
        return self.load(name).card

    def load(self, name: str, pretrained: bool = True) -> Encoder:
        """Return the encoder of a model."""
        options = parse_options(name, self.prefix, pretrained)
        _check_known(options.name)
        model: Any = create(options.name, 0)
        file = None if not options.pretrained else options.weights or _fetch(model, options.name)
        head = _fill(model, file) if file is not None else None
        preprocess = timm_preprocess(model)
        card = BaseCard(
            reference=f"timm:{name}",
            revision=content_hash(file)
            if file
            else random_revision(f"timm:{options.name}", options.seed or 0),
            modality=Modality.IMAGE,
            architecture=vision_name(str(model.pretrained_cfg["architecture"])),
            parameters=count_parameters(model),
            width=int(model.num_features),
            input_size=preprocess.size,
            licence=str(model.pretrained_cfg.get("license") or "unknown"),
            source=weights_from(options, "timm", "timm's hub"),
            pretrained=file is not None,
        )
        encoder = TimmEncoder(card, model, preprocess)
        encoder.came_with(head)
        if file is None:
            encoder.initialise(options.seed or 0)
        return encoder


def _check_known(name: str) -> None:
    prepare_torchvision()
    import timm

    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        names = timm.list_models()
        raise RequestError(f"unknown base 'timm:{name}'", mend=nearest(architecture, names))
    tagged = timm.list_pretrained(f"{architecture}*")
    if tag and name not in tagged:
        raise RequestError(f"timm has no weights '{name}'", mend=nearest(name, tagged))


def _fetch(model: Any, name: str) -> Path:
    """Return the file of the published weights, from the cache or the hub."""
    from huggingface_hub import errors as hub
    from huggingface_hub import snapshot_download

    repository = model.pretrained_cfg.get("hf_hub_id")
    if not repository:
        raise RequestError(
            f"timm publishes no weights for '{name}'",
            where=f"timm:{name}",
            mend=f"use timm:{name}?weights=FILE, or timm:{name}?random=0 for untrained ones",
        )
    filename = model.pretrained_cfg.get("hf_hub_filename") or "model.safetensors"
    try:
        return Path(snapshot_download(repository, allow_patterns=[filename])) / filename
    except (OSError, hub.HfHubHTTPError, hub.EntryNotFoundError) as error:
        raise unreachable(f"timm:{name}", error, f"timm:{name}?weights=FILE") from error


def _fill(model: Any, file: Path) -> nn.Linear | None:
    """Load the body's weights; return the classifier that lies there with them."""
    state = read_weights(file)
    classifier = model.pretrained_cfg.get("classifier") or ()
    names = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    load_exactly(model, state, str(file), optional=names)
    return linear_in(state, f"{names[0]}.", file) if names else None


SOURCE = Timm()
