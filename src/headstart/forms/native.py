"""Load an exported folder with its own library, without headstart, and compare the outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from headstart.base.compat import prepare_torchvision, quiet_transformers
from headstart.base.image import ImageEncoder
from headstart.base.sidecar import Sidecar, read_sidecar
from headstart.base.text import TextEncoder
from headstart.forms.drift import check_drift
from headstart.method.adapted import NetworkModel
from headstart.task.model import Input
from headstart.train.network import Network

_TEXTS = ("a", "the quick brown fox jumps over the lazy dog", "to be or not to be " * 60)


def check_native(model: NetworkModel, folder: Path, tolerance: float | None = None) -> float:
    """Compare the library's outputs with headstart's, on a few texts or random pixels.

    What is compared: logits where the library's layout holds the head, else the body's hidden
    states (text pairs, whose head lies beside).

    Args:
        model: As it was.
        folder: What was written.
        tolerance: As of :func:`headstart.forms.drift.check_drift`.

    Returns:
        The most that an output differs.

    Raises:
        WorkError: They differ.
    """
    prepare_torchvision()
    sidecar = read_sidecar(folder)
    network = model.network
    with quiet_transformers(), torch.inference_mode():
        if isinstance(network.encoder, TextEncoder):
            found, expected = _text(network, network.encoder, folder, sidecar)
        else:
            found, expected = _image(network, folder, sidecar)
    return check_drift(found, expected, f"the folder loaded by {_library(sidecar)}", tolerance)


_Pair = tuple[NDArray[Any], NDArray[Any]]


def _library(sidecar: Sidecar) -> str:
    return "transformers" if sidecar.family in ("text", "hf-image") else sidecar.family


def _text(network: Network, encoder: TextEncoder, folder: Path, sidecar: Sidecar) -> _Pair:
    if sidecar.head == "native" and encoder.word_level:
        return _words(network, encoder, folder)
    batch = encoder.collate(encoder.encode(_TEXTS))
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    if sidecar.head == "native" and encoder.pooling == "pooler":
        classifier = _transformers("AutoModelForSequenceClassification", folder)
        return classifier(**inputs).logits.numpy(), network((batch,)).numpy()
    if sidecar.head == "native" and find_spec("sentence_transformers"):
        from sentence_transformers import SentenceTransformer

        sentences = SentenceTransformer(str(folder), device="cpu")
        found = np.asarray(sentences.encode(list(_TEXTS), show_progress_bar=False))
        return found, network((batch,)).numpy()
    mask = batch["attention_mask"].unsqueeze(-1)  # what lies under padding is arbitrary
    bodies: Sequence[Callable[..., Any]] = (_transformers("AutoModel", folder), encoder.body)
    hidden = [(body(**inputs).last_hidden_state * mask).numpy() for body in bodies]
    return hidden[0], hidden[1]


def _words(network: Network, encoder: TextEncoder, folder: Path) -> _Pair:
    inputs: list[Input] = [tuple(text.split()) for text in _TEXTS]
    batch = encoder.collate(encoder.encode(inputs))
    tagger = _transformers("AutoModelForTokenClassification", folder)
    logits: Tensor = tagger(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
    ).logits  # (N, T, C)
    known = batch["word_ids"] >= 0
    index = batch["word_ids"].clamp(min=0).unsqueeze(-1).expand(-1, -1, logits.shape[-1])
    return logits.gather(1, index)[known].numpy(), network((batch,))[known].numpy()


def _transformers(auto_class: str, folder: Path) -> Any:
    import transformers

    return getattr(transformers, auto_class).from_pretrained(str(folder)).eval()


def _image(network: Network, folder: Path, sidecar: Sidecar) -> _Pair:
    encoder = network.encoder
    assert isinstance(encoder, ImageEncoder)
    side = encoder.preprocess.size
    pixels = torch.randn(3, 3, side, side, generator=torch.Generator().manual_seed(0))
    expected = network.head(encoder.features(pixels))
    if sidecar.family == "hf-image":
        found = _transformers("AutoModelForImageClassification", folder)(pixels).logits
    else:
        load = _timm if sidecar.family == "timm" else _torchvision
        found = load(folder, sidecar, network.head.out_features).eval()(pixels)
    return cast(Tensor, found).numpy(), expected.numpy()


def _timm(folder: Path, sidecar: Sidecar, outputs: int) -> nn.Module:
    import timm

    return cast(nn.Module, timm.create_model(f"local-dir:{folder}", pretrained=True))


def _torchvision(folder: Path, sidecar: Sidecar, outputs: int) -> nn.Module:
    from safetensors.torch import load_file
    from torchvision.models import get_model

    model = cast(nn.Module, get_model(sidecar.settings["name"], weights=None, num_classes=outputs))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model
