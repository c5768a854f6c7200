"""Image encoders from torchvision; saved as the state dict of ``torchvision.models.NAME``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn

from headstart.base.compat import prepare_torchvision
from headstart.base.image import ImageEncoder, Preprocess, detach_linear, three
from headstart.base.model import BaseCard
from headstart.base.sidecar import Sidecar, fill_linear, linear_of, write_sidecar
from headstart.base.skeleton import count_parameters
from headstart.base.weights import content_hash, load_exactly, read_weights
from headstart.errors import RequestError, nearest
from headstart.files import replacing_folder
from headstart.task.model import Modality

WEIGHTS_FILE = "model.safetensors"
_CLASSES = 1000  # torchvision's default number of outputs


class TorchvisionEncoder(ImageEncoder):
    """A torchvision classifier whose last linear layer is an identity.

    Args:
        card: What is known of the base.
        body: The classifier without its last linear layer.
        preprocess: How pictures become pixels.
        name: The function in ``torchvision.models`` that builds it.
    """

    def __init__(self, card: BaseCard, body: nn.Module, preprocess: Preprocess, name: str) -> None:
        super().__init__(card, body, preprocess)
        self.name = name

    def features(self, pixels: Tensor) -> Tensor:
        """Return features (N, width) of normalised ``pixels`` (N, 3, H, W)."""
        return cast(Tensor, self.body(pixels))

    def fresh_body(self) -> nn.Module:
        """Return a new body with torchvision's own initialisation."""
        body = build(self.name)
        detach_linear(body, _CLASSES)
        return body

    def save(self, folder: Path, head: nn.Linear | None, classes: Sequence[str]) -> None:
        """Write the state dict of ``torchvision.models.NAME(num_classes=C)`` as safetensors."""
        from safetensors.torch import save_file

        state = self.plain_body().state_dict()
        if head is not None:
            model = build(self.name, head.out_features)
            path, final = detach_linear(model, head.out_features)
            _check_width(final, head)
            fill_linear(final, head)
            model.load_state_dict(state)
            model.set_submodule(path, final)
            state = model.state_dict()
        sidecar = Sidecar(
            family="torchvision",
            architecture=self.card.architecture,
            licence=self.card.licence,
            pretrained=self.card.pretrained,
            classes=list(classes),
            head="native" if head is not None else "none",
            settings={"name": self.name, "preprocess": asdict(self.preprocess)},
        )
        with replacing_folder(folder) as beside:
            tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
            save_file(tensors, str(beside / WEIGHTS_FILE))
            write_sidecar(beside, sidecar)


def _check_width(final: nn.Linear, head: nn.Linear) -> None:
    if final.in_features != head.in_features:
        raise RequestError(
            f"the head reads {head.in_features} features, torchvision's classifier has "
            f"{final.in_features}",
            mend="choose another base for this task",
        )


def build(name: str, outputs: int = _CLASSES) -> nn.Module:
    """Return ``torchvision.models.NAME`` with random weights.

    Raises:
        RequestError: torchvision has no such classifier; the nearest is named.
    """
    names = classifiers()
    if name not in names:
        raise RequestError(f"unknown base 'torchvision:{name}'", mend=nearest(name, names))
    from torchvision import models

    return cast(nn.Module, models.get_model(name, weights=None, num_classes=outputs))


def classifiers() -> list[str]:
    """Return the names of torchvision's classifiers that end in one linear layer."""
    prepare_torchvision()
    from torchvision import models

    # These return several outputs while training, or end in a convolution.
    others = ("googlenet", "inception_v3", "squeezenet1_0", "squeezenet1_1")
    return [name for name in models.list_models(module=models) if name not in others]


def torchvision_preprocess(transforms: Any) -> Preprocess:
    """Return the preprocessing of torchvision's ``ImageClassification`` preset."""
    return Preprocess(
        size=int(transforms.crop_size[0]),
        resize=int(transforms.resize_size[0]),
        interpolation=str(transforms.interpolation.value),
        mean=three(transforms.mean),
        std=three(transforms.std),
    )


def load_torchvision_folder(
    folder: Path, reference: str, sidecar: Sidecar
) -> tuple[TorchvisionEncoder, nn.Linear | None]:
    """Return what :meth:`TorchvisionEncoder.save` wrote.

    Raises:
        RequestError: A file is missing or damaged.
    """
    name = str(sidecar.settings["name"])
    file = folder / WEIGHTS_FILE
    state = read_weights(file)
    body = build(name)
    path, final = detach_linear(body, _CLASSES)
    head = linear_of(state, f"{path}.", file) if sidecar.head == "native" else None
    load_exactly(body, state, str(file), optional=[path])
    preprocess = Preprocess.from_json(sidecar.settings["preprocess"])
    card = BaseCard(
        reference=reference,
        revision=content_hash(file),
        modality=Modality.IMAGE,
        architecture=sidecar.architecture,
        parameters=count_parameters(body),
        width=final.in_features,
        input_size=preprocess.size,
        licence=sidecar.licence,
        source=f"adapted by headstart, in the folder {folder.name}",
        pretrained=sidecar.pretrained,
    )
    return TorchvisionEncoder(card, body, preprocess, name), head


def detached(name: str) -> tuple[nn.Module, str, nn.Linear]:
    """Return a new body, the path its last linear layer had, and that layer."""
    body = build(name)
    path, final = detach_linear(body, _CLASSES)
    return body, path, final
