"""Load an image encoder from a folder in timm's hub layout (config.json, model.safetensors)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from headstart.base.compat import prepare_torchvision
from headstart.base.model import BaseCard
from headstart.base.names import vision_name
from headstart.base.options import random_revision
from headstart.base.sidecar import Sidecar, read_json
from headstart.base.skeleton import count_parameters
from headstart.base.timm_image import TimmEncoder, timm_preprocess
from headstart.base.weights import content_hash, load_exactly, read_weights
from headstart.errors import RequestError
from headstart.task.model import Modality


def load_timm_folder(
    folder: Path,
    reference: str,
    *,
    sidecar: Sidecar | None = None,
    source: str | None = None,
    licence: str = "unknown",
    pretrained: bool = True,
) -> tuple[TimmEncoder, nn.Linear | None]:
    """Return the encoder in ``folder`` and the classifier that lies there with it.

    Args:
        folder: In timm's hub layout.
        reference: What the card says.
        sidecar: What headstart wrote beside it, if it did.
        source: Where it comes from, one phrase.
        licence: SPDX name.
        pretrained: False for random weights of the same architecture (seed 0).

    Raises:
        RequestError: A file is missing or damaged, or timm knows no such architecture.
    """
    model = _built(folder)
    file = _weight_file(folder)
    if pretrained:
        load_exactly(model, read_weights(file), str(file))
    classifier = model.get_classifier()
    head = classifier if isinstance(classifier, nn.Linear) else None
    model.reset_classifier(0)
    preprocess = timm_preprocess(model)
    card = BaseCard(
        reference=reference,
        revision=content_hash(file)
        if pretrained
        else random_revision(str(model.pretrained_cfg), 0),
        modality=Modality.IMAGE,
        architecture=sidecar.architecture
        if sidecar
        else vision_name(model.pretrained_cfg["architecture"]),
        parameters=count_parameters(model),
        width=int(model.num_features),
        input_size=preprocess.size,
        licence=sidecar.licence if sidecar else licence,
        source=source or f"the folder {folder.name}",
        pretrained=pretrained and (sidecar.pretrained if sidecar else True),
    )
    encoder = TimmEncoder(card, model, preprocess)
    if not pretrained:
        encoder.initialise(0)
    return encoder, head


def _weight_file(folder: Path) -> Path:
    names = ("model.safetensors", "pytorch_model.bin")
    found = [folder / name for name in names if (folder / name).is_file()]
    return found[0] if found else folder / names[0]  # read_weights says what is missing


def _built(folder: Path) -> Any:
    prepare_torchvision()
    import timm

    file = folder / "config.json"
    fields = read_json(file)
    outputs = fields.get("num_classes", fields.get("pretrained_cfg", {}).get("num_classes", 1000))
    try:
        return timm.create_model(f"local-dir:{folder}", pretrained=False, num_classes=outputs)
    except (RuntimeError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise RequestError(
            f"timm {timm.__version__} cannot build this model: {error}",
            where=str(file),
            mend="check its architecture with timm.list_models(), or install a newer timm",
        ) from error
