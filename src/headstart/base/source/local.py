"""Bases in a folder: transformers', timm's or torchvision's layout, or what headstart saved."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from headstart.base.decoder import Decoder
from headstart.base.model import BaseCard, Encoder
from headstart.base.sidecar import FILE, read_json
from headstart.errors import RequestError


class Local:
    """Source of bases that lie in folders."""

    prefix = "local"

    def names(self) -> list[str]:
        """Return nothing: any folder may hold a base."""
        return []

    def card(self, name: str) -> BaseCard:
        """Return the card of the base in the folder ``name``."""
        return self.load(name).card

    def load(self, name: str, pretrained: bool = True) -> Encoder:
        """Return the encoder in the folder, or GGUF file, ``name``."""
        path, source = _place(name)
        return load_folder(path, f"local:{name}", source=source, pretrained=pretrained)

    def decoder(self, name: str, pretrained: bool = True) -> Decoder:
        """Return the language model in the folder, or GGUF file, ``name``."""
        return _decoder(name, pretrained)

    def configured(self, name: str) -> Path:
        """Return the folder that holds the configuration; weights need not lie in it."""
        return _place(name)[0]


def _place(name: str) -> tuple[Path, str]:
    """Return the folder of ``name`` (that a GGUF file was converted to), and what to call it."""
    from headstart.base.gguf import converted

    path = Path(name).expanduser()
    if path.is_file() and path.suffix.lower() == ".gguf":
        return converted(path), f"the file {path.name}"
    if not path.is_dir():
        raise RequestError(
            "there is no such folder or .gguf file", where=name, mend="check the path after local:"
        )
    return path, f"the folder {path.name}"


def _decoder(name: str, pretrained: bool) -> Decoder:
    from headstart.base.decoder_folder import load_decoder_folder

    path, source = _place(name)
    return load_decoder_folder(path, f"local:{name}", source, pretrained=pretrained)


def load_folder(
    folder: Path,
    reference: str,
    *,
    source: str | None = None,
    licence: str = "unknown",
    pretrained: bool = True,
) -> Encoder:
    """Return the encoder in ``folder``, whatever layout it has.

    Raises:
        RequestError: There is no model in a known layout, or a file of it is damaged.
    """
    if not folder.is_dir():
        raise RequestError(
            "there is no such folder", where=str(folder), mend="check the path after local:"
        )
    source = source or f"the folder {folder.name}"
    if (folder / FILE).is_file() and pretrained:
        return _own(folder, reference)
    fields = read_json(folder / "config.json")
    if "architecture" in fields:
        from headstart.base.timm_folder import load_timm_folder

        return _with_head(
            *load_timm_folder(
                folder, reference, source=source, licence=licence, pretrained=pretrained
            ),
            pretrained,
        )
    from headstart.base.hf_image import is_image_config, load_hf_image
    from headstart.base.text_folder import load_text, read_config

    if is_image_config(read_config(folder)):
        found = load_hf_image(folder, reference, source, None, licence, pretrained)
        return _with_head(*found, pretrained)
    return load_text(folder, reference, source, licence, pretrained)


def _own(folder: Path, reference: str) -> Encoder:
    from headstart.base.layout import load_encoder
    from headstart.base.skeleton import Skeleton

    encoder, head, _ = load_encoder(folder)
    if isinstance(encoder, Skeleton):
        encoder.rename(reference)
    return _with_head(encoder, head, True)


def _with_head(encoder: Encoder, head: nn.Linear | None, trained: bool) -> Encoder:
    encoder.came_with(head if trained else None)
    return encoder


SOURCE = Local()
