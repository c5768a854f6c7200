"""Image encoders from transformers (ViT, ResNet, ConvNeXt, …), read and saved in its layout."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from headstart.base.compat import prepare_torchvision, quiet_transformers
from headstart.base.image import ImageEncoder, Preprocess, detach_linear, three
from headstart.base.model import BaseCard
from headstart.base.names import transformers_name
from headstart.base.options import random_revision
from headstart.base.sidecar import Sidecar, class_names, fill_linear, read_json, write_sidecar
from headstart.base.skeleton import count_parameters
from headstart.base.text_folder import read_config, refused, weight_files
from headstart.base.transformers_weights import load_weights
from headstart.base.weights import content_hash
from headstart.errors import RequestError
from headstart.files import replacing_folder, write_json
from headstart.task.model import Modality

PREPROCESSOR = "preprocessor_config.json"
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class HfImageEncoder(ImageEncoder):
    """An ``AutoModelForImageClassification`` whose last linear layer is an identity.

    Args:
        card: What is known of the base.
        body: The classifier without its last linear layer.
        preprocess: How pictures become pixels.
        processor: The library's own preprocessing file, to write back on ``save``.
    """

    def __init__(
        self, card: BaseCard, body: nn.Module, preprocess: Preprocess, processor: dict[str, Any]
    ) -> None:
        super().__init__(card, body, preprocess)
        self.config: Any = cast(Any, body).config
        self._processor = processor

    def features(self, pixels: Tensor) -> Tensor:
        """Return features (N, width) of normalised ``pixels`` (N, 3, H, W)."""
        return cast(Tensor, self.body(pixel_values=pixels).logits)

    def fresh_body(self) -> nn.Module:
        """Return a new body with transformers' own initialisation."""
        body = _classifier(self.config, self.config.num_labels)
        detach_linear(body, self.config.num_labels)
        return body

    def save(self, folder: Path, head: nn.Linear | None, classes: Sequence[str]) -> None:
        """Write transformers' layout; without a head, a classifier of zeros holds its place."""
        final = head if head is not None else _zeros(self.card.width)
        model: Any = _classifier(self.config, final.out_features)
        path, linear = detach_linear(model, final.out_features)
        model.load_state_dict(self.plain_body().state_dict())
        fill_linear(linear, final)
        model.set_submodule(path, linear)
        names = class_names(classes, final.out_features)
        model.config.id2label = dict(enumerate(names))
        model.config.label2id = {name: index for index, name in enumerate(names)}
        sidecar = Sidecar(
            family="hf-image",
            architecture=self.card.architecture,
            licence=self.card.licence,
            pretrained=self.card.pretrained,
            classes=list(classes),
            head="native" if head is not None else "none",
        )
        with replacing_folder(folder) as beside, quiet_transformers():
            model.save_pretrained(str(beside))
            write_json(beside / PREPROCESSOR, self._processor)
            write_sidecar(beside, sidecar)


def _zeros(width: int) -> nn.Linear:
    head = nn.Linear(width, 2)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head


def _classifier(config: Any, outputs: int) -> nn.Module:
    from transformers import AutoModelForImageClassification

    config = type(config).from_dict(config.to_dict())
    config.num_labels = outputs
    return cast(nn.Module, AutoModelForImageClassification.from_config(config, dtype=torch.float32))


def load_hf_image(
    folder: Path,
    reference: str,
    source: str,
    sidecar: Sidecar | None = None,
    licence: str = "unknown",
    pretrained: bool = True,
) -> tuple[HfImageEncoder, nn.Linear | None]:
    """Return the encoder in ``folder``, and its classifier.

    Args:
        folder: config.json, model.safetensors, preprocessor_config.json.
        reference: What the card says.
        source: Where it comes from, one phrase.
        sidecar: What headstart wrote beside it, if it did.
        licence: SPDX name.
        pretrained: False for random weights of the same architecture (seed 0).

    Raises:
        RequestError: A file is missing or damaged, or no image classifier.
    """
    prepare_torchvision()
    config = read_config(folder)
    files = weight_files(folder)
    body: Any = _trained(folder, config) if pretrained else _classifier(config, 2)
    _, linear = detach_linear(body, body.config.num_labels)
    processor_file = folder / PREPROCESSOR
    processor = read_json(processor_file) if processor_file.is_file() else {}
    preprocess = read_preprocess(processor, config, processor_file)
    card = BaseCard(
        reference=reference,
        revision=(
            content_hash(*files) if pretrained else random_revision(config.to_json_string(), 0)
        ),
        modality=Modality.IMAGE,
        architecture=sidecar.architecture if sidecar else transformers_name(str(config.model_type)),
        parameters=count_parameters(body),
        width=linear.in_features,
        input_size=preprocess.size,
        licence=sidecar.licence if sidecar else licence,
        source=source,
        pretrained=pretrained and (sidecar.pretrained if sidecar else True),
    )
    encoder = HfImageEncoder(card, body, preprocess, processor)
    if not pretrained:
        encoder.initialise(0)
    has_head = sidecar is None or sidecar.head == "native"
    return encoder, linear if has_head else None


def _trained(folder: Path, config: Any) -> nn.Module:
    from transformers import AutoModelForImageClassification

    files = weight_files(folder)
    if not files:
        raise RequestError(
            "there are no weights (model.safetensors)", where=str(folder), mend="fetch them"
        )
    if not config.num_labels:
        config.num_labels = 2  # a bare backbone; the classifier goes anyway
    return load_weights(
        AutoModelForImageClassification, folder, files, config, lambda name: "classifier" in name
    )


def read_preprocess(processor: dict[str, Any], config: Any, file: Path) -> Preprocess:
    """Return the preprocessing that ``preprocessor_config.json`` describes.

    Args:
        processor: Its fields; empty where there is no such file (ImageNet's habits then).
        config: The model's configuration, for the image size.
        file: To name in an error.

    Raises:
        RequestError: The fields make no sense.
    """
    from PIL.Image import Resampling

    with refused(file):
        size, resize = _sizes(processor, config)
        # Rounding is torchvision's and PIL's; ConvNeXt's own crop_pct widens the resize.
        if processor.get("crop_pct") and size < 384:
            resize = floor(size / float(processor["crop_pct"]))
        return Preprocess(
            size=size,
            resize=resize,
            interpolation=Resampling(processor.get("resample", 2)).name.lower(),
            mean=three(processor.get("image_mean") or _IMAGENET_MEAN),
            std=three(processor.get("image_std") or _IMAGENET_STD),
        )


def _sizes(processor: dict[str, Any], config: Any) -> tuple[int, int | None]:
    """Return (pixels a side, shorter side before the crop or None)."""
    default = getattr(config, "image_size", None) or 224
    default = default if isinstance(default, int) else default[-1]
    given = processor.get("size", default)
    if isinstance(given, int):
        given = {"height": given, "width": given}
    crop = processor.get("crop_size")
    crop = crop["height"] if isinstance(crop, dict) else crop
    if processor.get("do_center_crop") and crop:
        return int(crop), int(given.get("shortest_edge") or given["height"])
    if "shortest_edge" in given:
        return int(given["shortest_edge"]), int(given["shortest_edge"])
    return int(given["height"]), None


def is_image_config(config: Any) -> bool:
    """Whether transformers has an image classifier, and no text classifier, for ``config``."""
    from transformers.models.auto import modeling_auto as auto

    kind = config.model_type
    return kind in auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES
