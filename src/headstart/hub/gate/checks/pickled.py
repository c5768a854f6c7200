"""Is there a pickle, a program or an archive anywhere, whatever the file is called?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import ClassVar

from headstart.errors import RequestError
from headstart.hub.gate.archives import array_faults, look_into
from headstart.hub.gate.kinds import TEXT, allowed_by, kind_of
from headstart.hub.gate.model import Candidate, Finding, Reason, judged
from headstart.hub.gate.reading import (
    MEBIBYTE,
    File,
    UnreadableError,
    head,
    listing,
    load_json,
    read_text,
    texts,
)
from headstart.hub.gate.signature import ARCHIVES, hidden, pickled, signature
from headstart.hub.gate.tensors import read_header

_PICKLED = frozenset(
    {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill", ".pt2", ".mar"}
)
_CODE = frozenset(
    {
        ".py", ".pyc", ".pyi", ".pyd", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat", ".ps1",
        ".js", ".mjs", ".wasm", ".jar", ".class", ".ipynb", ".lua", ".cu", ".cpp", ".c", ".whl",
    }
)  # fmt: skip
_LARGEST_TEXT = 256 * MEBIBYTE
_BLOCK = MEBIBYTE


class Pickled:
    """Nothing that runs when it is loaded: no pickle, no program, nothing packed or encoded."""

    name: ClassVar[str] = "pickle"

    def __call__(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        files = listing(candidate.folder).files
        allowed = [f for f in files if allowed_by(candidate.standard.allow.pickle, f.name)]
        reasons = [
            Reason(file.name, fault)
            for file in files
            if file not in allowed
            for fault in _faults(file)
        ]
        good = f"Nothing in {len(files):,} files runs when it is loaded."
        mend = "Save weights as safetensors, and leave out code, archives and training state."
        details = {"files": len(files), "allowed_pickles": [file.name for file in allowed]}
        return judged(self.name, reasons, good=good, mend=mend, details=details)  # type: ignore[arg-type]


def _faults(file: File) -> Iterator[str]:
    """Yield what may run in one file; what it cannot be read as is for other checks."""
    suffix = PurePosixPath(file.name).suffix.lower()
    if suffix in _CODE:
        yield f"'{suffix}' files are code"
    try:
        begin = head(file.path, _BLOCK)
        said = False
        for fault in _content(file, begin):
            said = True
            yield fault
        if suffix in _PICKLED and not said:
            yield f"'{suffix}' files are pickles"
    except (RequestError, OSError, ValueError):
        return


def _content(file: File, begin: bytes) -> Iterator[str]:
    kind, found = kind_of(file.name), signature(begin)
    if found == "zip":
        yield from _zip(file, kind)
    elif found in ARCHIVES:
        yield f"it is an archive ({found}), which is not unpacked here"
    elif found in ("program", "script"):
        yield f"it is a {found}"
    elif found == "hdf5":
        yield from _lambda(file)
    elif found == "npy":
        yield from (f"it {fault}" for fault in array_faults(begin))
    elif kind == "safetensors" and found is None:
        yield from _tensors(file)
    elif found != "gguf":
        yield from _plain(file, kind, begin)


def _zip(file: File, kind: str | None) -> Iterator[str]:
    if kind not in ("npz", "keras"):
        yield "it is an archive (zip), which is not unpacked here"
    yield from look_into(file.path, kind)


def _plain(file: File, kind: str | None, begin: bytes) -> Iterator[str]:
    found = pickled(begin)
    if found is not None or signature(begin) == "pickle":
        yield f"it is {found or 'a pickle'}"
    elif kind in TEXT:
        inside = _hidden(file, kind)
        if inside is not None:
            yield f"it holds {inside}"


def _hidden(file: File, kind: str) -> str | None:
    """Return what a text holds in base64, or None."""
    text = read_text(file.path, _LARGEST_TEXT)
    if kind != "json":
        return hidden(text)
    try:
        value = load_json(text)
    except UnreadableError:
        return hidden(text)
    return next((found for part in texts(value) if (found := hidden(part))), None)


def _tensors(file: File) -> Iterator[str]:
    """Yield tensors and metadata of a safetensors file that are something else in disguise."""
    try:
        header = read_header(file.path)
    except UnreadableError:
        found = pickled(head(file.path, _BLOCK, 8))
        if found is not None:
            yield f"behind its first 8 bytes it is {found}"
        return
    for text in header.metadata.values():
        inside = hidden(text)
        if inside is not None:
            yield f"its metadata hold {inside}"
    with file.path.open("rb") as stream:
        for tensor in header.tensors:
            stream.seek(tensor.begin)
            begin = stream.read(min(16, tensor.end - tensor.begin))
            fault = _disguised(begin, tensor.dtype)
            if fault == "pickle":
                stream.seek(tensor.begin)
                found = pickled(stream.read(min(_BLOCK, tensor.end - tensor.begin)))
                fault = str(found) if found is not None and found.names else None
            if fault is not None:
                yield f"its tensor '{tensor.name[:80]}' is {fault}"


def _disguised(begin: bytes, dtype: str) -> str | None:
    """Return what a tensor's first bytes are, where chance is no explanation."""
    found = signature(begin)
    if found == "pickle" or (found in ARCHIVES | {"program"} and dtype in ("U8", "I8")):
        # Three bytes can come about in whole numbers; so can two, and gzip has no more.
        return found if found == "pickle" or len(begin) >= 16 else None
    return None


def _lambda(file: File) -> Iterator[str]:
    """Yield whether an HDF5 file holds a Keras configuration with code."""
    with file.path.open("rb") as stream:
        before = b""
        while block := stream.read(_BLOCK):
            if b"Lambda" in before + block or b"__lambda__" in before + block:
                yield "it has a Lambda layer, which carries code"
                return
            before = block[-16:]
