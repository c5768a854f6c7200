"""From a folder to a model that runs: which library it is for is read from its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from headstart.base.gguf import converted
from headstart.base.sidecar import read_json
from headstart.base.text_folder import weight_files
from headstart.errors import RequestError
from headstart.hub.gate.running import adapter
from headstart.hub.gate.running.own import Own
from headstart.hub.gate.running.plain import load_plain
from headstart.hub.gate.running.sentences import Sentences
from headstart.hub.gate.running.subject import Subject
from headstart.hub.gate.running.timm_model import Timm
from headstart.method.adapted import MANIFEST


def subject_in(folder: Path, bases: Mapping[str, Path] | None = None) -> Subject:
    """Return the model in ``folder``, loaded by its own library, in evaluation mode on the CPU.

    headstart's own (``headstart.json``), a peft adapter, a sentence encoder (``modules.json``), a
    model of timm or transformers (``config.json``), or language models in GGUF.

    Args:
        folder: A model's files.
        bases: Folder of each base that is known here, by its names.

    Raises:
        RequestError: No model in a known layout, or its files are missing, damaged or unsafe.
    """
    if (folder / MANIFEST).is_file():
        return Own(folder)
    if (folder / adapter.FILE).is_file():
        return adapter.load_adapter(folder, bases or {})
    if (folder / "modules.json").is_file():
        return Sentences(folder)
    files = sorted(folder.glob("*.gguf"), key=lambda file: (file.stat().st_size, file.name))
    if files and not weight_files(folder):
        return _gguf(files)
    if not (folder / "config.json").is_file():
        raise RequestError(
            "there is no model here in a layout that is known",
            mend="known are headstart's, transformers', timm's, peft's, sentence-transformers' and "
            "GGUF files",
        )
    return (
        Timm(folder) if "architecture" in read_json(folder / "config.json") else load_plain(folder)
    )


def _gguf(files: list[Path]) -> Subject:
    """Return the language model in the smallest of some GGUF files."""
    found = load_plain(converted(files[0]))
    found.library = "transformers' GGUF reader"
    if len(files) > 1:
        found.notes = (f"{files[0].name}, the smallest of {len(files)} files",)
    return found
