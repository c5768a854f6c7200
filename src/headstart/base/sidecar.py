"""``encoder.json``: the few facts about a saved encoder that its library's files cannot hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import nn

from headstart.errors import RequestError
from headstart.files import write_json

FILE = "encoder.json"
HEAD_FILE = "head.safetensors"  # only where the library's layout has no place for the head


class Sidecar(BaseModel):
    """What ``encoder.json`` says.

    ``family``: which encoder class reads the folder. ``head``: how the head lies in it: in the
    library's own files, in ``head.safetensors``, or not at all.
    """

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    family: Literal["text", "timm", "torchvision", "hf-image", "decoder"]
    architecture: str
    licence: str
    pretrained: bool
    classes: list[str]
    head: Literal["native", "beside", "none"]
    settings: dict[str, Any] = {}


def write_sidecar(folder: Path, sidecar: Sidecar) -> None:
    """Write ``encoder.json`` into ``folder``."""
    write_json(folder / FILE, sidecar.model_dump())


def read_sidecar(folder: Path) -> Sidecar:
    """Return what ``encoder.json`` in ``folder`` says.

    Raises:
        RequestError: The file is missing or says something else.
    """
    file = folder / FILE
    try:
        return Sidecar.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise RequestError(
            f"this is no saved encoder: {reason}",
            where=str(file),
            mend="name a folder that headstart wrote (best/ of a study)",
        ) from error


def read_json(file: Path) -> dict[str, Any]:
    """Return the JSON object in ``file``.

    Raises:
        RequestError: The file is missing, unreadable or holds no JSON object.
    """
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RequestError(
            f"cannot read the JSON: {error}", where=str(file), mend="restore or fetch the file"
        ) from error
    if not isinstance(value, dict):
        raise RequestError(
            f"expected a JSON object, found {type(value).__name__}",
            where=str(file),
            mend="restore or fetch the file",
        )
    return value


def write_head(folder: Path, head: nn.Linear) -> None:
    """Write ``head`` to ``head.safetensors`` (weight (C, D), bias (C,))."""
    from safetensors.torch import save_file

    state = {name: value.detach().cpu().contiguous() for name, value in head.state_dict().items()}
    save_file(state, str(folder / HEAD_FILE))


def linear_of(state: dict[str, Any], prefix: str, where: Path) -> nn.Linear:
    """Return the linear layer whose weight and bias lie under ``prefix`` in ``state``.

    Raises:
        RequestError: They are not there.
    """
    weight, bias = state.get(f"{prefix}weight"), state.get(f"{prefix}bias")
    if weight is None:
        raise RequestError(
            f"there is no '{prefix}weight' among the weights",
            where=str(where),
            mend="the folder was changed after it was saved; save it again",
        )
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    linear.load_state_dict(
        {"weight": weight.float()} | ({"bias": bias.float()} if bias is not None else {})
    )
    return linear


def linear_in(state: dict[str, Any], prefix: str, where: Path) -> nn.Linear | None:
    """Return the linear layer under ``prefix``, or None where there is none."""
    weight = state.get(f"{prefix}weight")
    return linear_of(state, prefix, where) if weight is not None and weight.ndim == 2 else None


def fill_linear(target: nn.Linear, head: nn.Linear) -> None:
    """Copy ``head`` into ``target``; a bias that ``head`` lacks becomes zero."""
    with torch.no_grad():
        target.weight.copy_(head.weight)
        if target.bias is not None:
            target.bias.zero_() if head.bias is None else target.bias.copy_(head.bias)


def class_names(classes: Sequence[str], outputs: int) -> list[str]:
    """Return ``classes``, or names of our own where there are none (a regression)."""
    return list(classes) if len(classes) == outputs else [f"LABEL_{i}" for i in range(outputs)]
