"""Read back what an encoder saved: body, head and class names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import nn

from headstart.base.model import Encoder
from headstart.base.sidecar import Sidecar, read_sidecar
from headstart.errors import RequestError

Loaded = tuple[Encoder, nn.Linear | None, list[str]]


def load_encoder(folder: Path | str) -> Loaded:
    """Return (encoder, head or None, class names) that ``Encoder.save`` wrote to ``folder``.

    Raises:
        RequestError: The folder is no saved encoder, or its files are missing or damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RequestError(
            "there is no such folder", where=str(folder), mend="name the best/ folder of a study"
        )
    sidecar = read_sidecar(folder)
    readers: dict[str, Callable[[Path, Sidecar], tuple[Encoder, nn.Linear | None]]] = {
        "text": _read_text,
        "timm": _read_timm,
        "torchvision": _read_torchvision,
        "hf-image": _read_hf_image,
        "decoder": _read_decoder,
    }
    encoder, head = readers[sidecar.family](folder, sidecar)
    return encoder, head, sidecar.classes


def _read_text(folder: Path, sidecar: Sidecar) -> tuple[Encoder, nn.Linear | None]:
    from headstart.base.text_files import read_text_head
    from headstart.base.text_folder import load_saved_text

    return load_saved_text(folder, sidecar), read_text_head(folder, sidecar)


def _read_decoder(folder: Path, sidecar: Sidecar) -> tuple[Encoder, nn.Linear | None]:
    from headstart.base.decoder_folder import load_saved_decoder

    return load_saved_decoder(folder, sidecar), None


def _read_timm(folder: Path, sidecar: Sidecar) -> tuple[Encoder, nn.Linear | None]:
    from headstart.base.timm_folder import load_timm_folder

    return load_timm_folder(folder, f"local:{folder}", sidecar=sidecar)


def _read_torchvision(folder: Path, sidecar: Sidecar) -> tuple[Encoder, nn.Linear | None]:
    from headstart.base.torchvision_image import load_torchvision_folder

    return load_torchvision_folder(folder, f"local:{folder}", sidecar)


def _read_hf_image(folder: Path, sidecar: Sidecar) -> tuple[Encoder, nn.Linear | None]:
    from headstart.base.hf_image import load_hf_image

    return load_hf_image(folder, f"local:{folder}", f"saved by headstart in {folder.name}", sidecar)
