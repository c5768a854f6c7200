"""Image encoders from timm, and their files in timm's own hub layout."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn

from headstart.base.compat import prepare_torchvision
from headstart.base.image import INTERPOLATIONS, ImageEncoder, Preprocess, three
from headstart.base.model import BaseCard
from headstart.base.sidecar import Sidecar, class_names, fill_linear, write_sidecar
from headstart.errors import RequestError
from headstart.files import replacing_folder


class TimmEncoder(ImageEncoder):
    """A timm model without its classifier; features are what the classifier receives.

    Args:
        card: What is known of the base.
        body: A timm model with ``num_classes=0``.
        preprocess: How pictures become pixels; by default as the model's own configuration says.
    """

    def __init__(
        self, card: BaseCard, body: nn.Module, preprocess: Preprocess | None = None
    ) -> None:
        super().__init__(card, body, preprocess or timm_preprocess(body))
        self._config: dict[str, Any] = dict(cast(Any, body).pretrained_cfg)
        self._arguments = model_arguments(body)

    def features(self, pixels: Tensor) -> Tensor:
        """Return features (N, width) of normalised ``pixels`` (N, 3, H, W)."""
        return cast(Tensor, self.body(pixels))

    def fresh_body(self) -> nn.Module:
        """Return a new body with timm's own initialisation."""
        return create(self._config["architecture"], 0, self._arguments)

    def save(self, folder: Path, head: nn.Linear | None, classes: Sequence[str]) -> None:
        """Write timm's hub layout, so that ``timm.create_model("local-dir:…")`` reads it."""
        from timm.models import save_for_hf

        outputs = head.out_features if head is not None else 0
        model: Any = create(self._config["architecture"], outputs, self._arguments)
        model.load_state_dict(self.plain_body().state_dict(), strict=False)
        if head is not None:
            fill_classifier(model.get_classifier(), head)
        model.pretrained_cfg = self._config
        names = class_names(classes, outputs) if outputs else None
        with replacing_folder(folder) as beside:
            save_for_hf(
                model,
                str(beside),
                model_config={"label_names": names} if names else None,
                safe_serialization=True,
            )
            sidecar = Sidecar(
                family="timm",
                architecture=self.card.architecture,
                licence=self.card.licence,
                pretrained=self.card.pretrained,
                classes=list(classes),
                head="native" if head is not None else "none",
            )
            write_sidecar(beside, sidecar)


def create(architecture: str, outputs: int, arguments: dict[str, Any] | None = None) -> nn.Module:
    """Return a new timm model with random weights and ``outputs`` classes (0: no classifier).

    Raises:
        RequestError: timm knows no such architecture.
    """
    prepare_torchvision()
    import timm

    try:
        return cast(
            nn.Module, timm.create_model(architecture, num_classes=outputs, **(arguments or {}))
        )
    except (RuntimeError, TypeError, ValueError) as error:
        raise RequestError(
            f"timm {timm.__version__} cannot build '{architecture}': {error}",
            mend="check the name with timm.list_models(), or install a newer timm",
        ) from error


def model_arguments(body: nn.Module) -> dict[str, Any]:
    """Return the arguments beyond the name that ``body`` was built with (image size, …)."""
    arguments: dict[str, Any] = getattr(body, "_model_args", {})
    return {name: value for name, value in arguments.items() if name != "num_classes"}


def fill_classifier(classifier: nn.Module, head: nn.Linear) -> None:
    """Copy ``head`` into timm's classifier.

    Raises:
        RequestError: The model has no single linear classifier to hold it.
    """
    if not isinstance(classifier, nn.Linear) or classifier.in_features != head.in_features:
        raise RequestError(
            f"timm's classifier is a {type(classifier).__name__}, expected a linear layer with "
            f"{head.in_features} inputs",
            mend="choose a base that ends in one linear layer, e.g. a ResNet, EfficientNet or ViT",
        )
    fill_linear(classifier, head)


def timm_preprocess(body: nn.Module) -> Preprocess:
    """Return the preprocessing that the model's configuration asks for at test time."""
    from timm.data import resolve_model_data_config

    config = resolve_model_data_config(body)
    size = int(config["input_size"][-1])
    squash = config.get("crop_mode") == "squash"
    name = str(config["interpolation"])
    return Preprocess(
        size=size,
        resize=None if squash else floor(size / float(config["crop_pct"])),
        interpolation=name if name in INTERPOLATIONS else "bicubic",
        mean=three(config["mean"]),
        std=three(config["std"]),
    )
