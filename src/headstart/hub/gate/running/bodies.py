"""What a folder holds as a base: the encoder or decoder whose forgetting is measured."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from headstart.base import reference as references
from headstart.base.decoder_folder import load_decoder_folder
from headstart.base.sidecar import read_json
from headstart.base.skeleton import Skeleton
from headstart.base.source.local import load_folder
from headstart.base.text_folder import is_decoder, read_config


def body_in(folder: Path, *, writes: bool | None = None) -> Skeleton:
    """Return the encoder or the language model in ``folder``.

    Args:
        folder: In transformers', timm's or headstart's layout.
        writes: Whether a language model is wanted; None: where the configuration is of one.

    Raises:
        RequestError: There is none, or its files are damaged.
    """
    if writes is None:
        writes = _is_decoder(folder)
    if writes:
        return load_decoder_folder(folder, f"local:{folder.name}", folder.name)
    return cast(Skeleton, load_folder(folder, f"local:{folder.name}"))


def body_named(reference: str, *, writes: bool) -> Skeleton:
    """Return a base of this installation, such as ``bundled:minilm-l6``.

    Raises:
        RequestError: There is none of that name.
    """
    load = references.load_decoder if writes else references.load
    return cast(Skeleton, load(reference))


def _is_decoder(folder: Path) -> bool:
    return "model_type" in read_json(folder / "config.json") and is_decoder(read_config(folder))
