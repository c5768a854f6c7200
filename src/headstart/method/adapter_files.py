"""Where the adapter of a study lies, and what it says of itself; nothing in it is trusted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from headstart.base.virtual import KINDS as VIRTUAL
from headstart.errors import RequestError
from headstart.method.adapted import MANIFEST, Signature, read_manifest
from headstart.task.model import Kind, Modality, Objective

KINDS = ("LORA", *VIRTUAL)  # of peft's adapters
WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True)
class AdapterFiles:
    """An adapter on disk.

    Attributes:
        folder: In peft's layout.
        kind: One of :data:`KINDS`.
        signature: What goes in and out.
        merged: The weights of the model that was delivered, the adapter merged into them; None if
            they are not beside it.
    """

    folder: Path
    kind: str
    signature: Signature
    merged: Path | None


def adapter_files(folder: Path) -> AdapterFiles:
    """Return the adapter of a study's folder, of its ``best/``, or of the ``adapter/`` in that.

    Raises:
        RequestError: There is none, it is of a kind that is not known here, or a file is damaged.
    """
    if not folder.is_dir():
        raise RequestError("there is no such folder", where=str(folder), mend="name a study")
    places = (folder / "best" / "adapter", folder / "adapter", folder)
    found = next((place for place in places if (place / "adapter_config.json").is_file()), None)
    if found is None:
        raise RequestError(
            "there is no adapter here: only lora, its kin, prompt and prefix leave one",
            where=str(folder),
            mend="load the model whole, with headstart.load",
        )
    kind = _kind(found / "adapter_config.json")
    if not (found / WEIGHTS).is_file():
        raise RequestError(
            f"the adapter has no {WEIGHTS}", where=str(found), mend="copy the folder again"
        )
    best = found.parent
    merged = best / "model.safetensors"
    return AdapterFiles(found, kind, _signature(best), merged if merged.is_file() else None)


def _kind(path: Path) -> str:
    try:
        kind = str(json.loads(path.read_text(encoding="utf-8"))["peft_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RequestError(
            f"the adapter's configuration is damaged: {error}",
            where=str(path),
            mend="copy the folder again, or adapt again",
        ) from error
    if kind not in KINDS:
        raise RequestError(
            f"an adapter of kind {kind}", where=str(path), mend=f"known are {', '.join(KINDS)}"
        )
    return kind


def _signature(best: Path) -> Signature:
    if not (best / MANIFEST).is_file():  # an adapter alone
        return Signature(Kind.INSTRUCTION, Objective.TEXT, Modality.TEXT, ("prompt",), "answer", ())
    signature = read_manifest(best).signature
    if signature.objective is not Objective.TEXT:
        raise RequestError(
            f"this is a {signature.kind.value} model, and only language models share a base here",
            where=str(best),
            mend="load it with headstart.load",
        )
    return signature
