"""The kinds of files that the gate knows, by name; what is on no list is of no kind."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import PurePosixPath

# Suffixes of each kind. A standard's ``formats`` names kinds; the last row is of those that are
# known, and checked, but not in the default standard.
_SUFFIXES = {
    "safetensors": (".safetensors",),
    "gguf": (".gguf",),
    "json": (".json",),
    "jsonl": (".jsonl", ".ndjson"),
    "yaml": (".yaml", ".yml"),
    "text": (".txt", ".csv", ".tsv", ".bpe", ".codes", ".tiktoken"),
    "card": (".md",),
    "template": (".jinja", ".jinja2"),
    "tokenizer": (".model", ".spm"),
    "image": (".png", ".jpg", ".jpeg", ".gif", ".webp"),
    "npy": (".npy",), "npz": (".npz",), "keras": (".keras",), "hdf5": (".h5", ".hdf5"),
    "onnx": (".onnx",),
}  # fmt: skip
_NAMES = dict.fromkeys(
    (
        "LICENSE", "LICENCE", "NOTICE", "COPYING", "USE_POLICY", "README", "CITATION.cff",
        ".gitattributes", ".gitignore",
    ),
    "text",
)  # fmt: skip
_KINDS = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes}
TEXT = frozenset({"json", "jsonl", "yaml", "text", "card", "template"})  # read as UTF-8
KNOWN = frozenset(_SUFFIXES)


def word_set(text: str) -> frozenset[str]:
    """Return the words of ``text``: a list to hold names against."""
    return frozenset(text.split())


def kind_of(name: str) -> str | None:
    """Return the kind of the file called ``name``, or None for one of no known kind."""
    path = PurePosixPath(name)
    if any(part.startswith(".") for part in path.parts[:-1]):
        return None  # .git/ and the like are no part of a model
    return _NAMES.get(path.name) or _KINDS.get(path.suffix)


def allowed_by(patterns: tuple[str, ...], name: str) -> bool:
    """Return whether a pattern names this file; ``*`` does not reach into folders."""
    return any(
        fnmatchcase(name, pattern) and name.count("/") == pattern.count("/") for pattern in patterns
    )
