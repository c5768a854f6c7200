"""Is every file of a kind that the standard allows, and is it what its name says?"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import ClassVar

from headstart.errors import RequestError
from headstart.hub.gate.kinds import TEXT, allowed_by, kind_of
from headstart.hub.gate.model import JSON, Candidate, Finding, Reason, judged
from headstart.hub.gate.reading import (
    MEBIBYTE,
    File,
    UnreadableError,
    head,
    json_lines,
    listing,
)
from headstart.hub.gate.signature import IMAGES, signature
from headstart.hub.gate.standard import Standard
from headstart.hub.gate.tensors import read_header

_LARGEST_TEXT = 256 * MEBIBYTE


class Formats:
    """Only files of listed kinds, with sound headers, in plain folders."""

    name: ClassVar[str] = "formats"

    def __call__(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        found = listing(candidate.folder)
        reasons = [Reason(name, words) for name, words in found.odd]
        kinds: dict[str, int] = {}
        for file in found.files:
            kind = kind_of(file.name)
            kinds[kind or "unknown"] = kinds.get(kind or "unknown", 0) + 1
            fault = _fault(file, kind, candidate.standard)
            reasons += [Reason(file.name, fault)] if fault else []
        if not found.files:
            reasons.append(Reason("", "the revision holds no files"))
        details: dict[str, JSON] = {"kinds": kinds, "allowed": list(candidate.standard.formats)}
        good = f"{len(found.files):,} files, all of allowed kinds and what their names say."
        mend = "Save weights as safetensors, and leave out files that the model does not need."
        return judged(self.name, reasons, good=good, mend=mend, details=details)


def _fault(file: File, kind: str | None, standard: Standard) -> str | None:
    """Return what is wrong with one file, or None."""
    widened = allowed_by(standard.allow.files, file.name)
    if kind is None or kind not in standard.formats:
        return None if widened else _unlisted(file, kind)
    try:
        _JUDGES.get(kind, _text if kind in TEXT else _binary)(file)
    except (RequestError, OSError) as error:
        return getattr(error, "what", str(error))
    return None


def _unlisted(file: File, kind: str | None) -> str:
    found = signature(head(file.path))
    looks = f" (it is {found})" if found else ""
    if kind is not None:
        return f"files of the kind '{kind}' are not on the standard's list{looks}"
    return f"a file of this kind is not on the list of known ones{looks}"


def _safetensors(file: File) -> None:
    header = read_header(file.path)
    # Archives are read from their end: such a file is tensors to one reader, a zip to another.
    tail = head(file.path, 65_557, max(0, file.size - 65_557))
    at = tail.rfind(b"PK\x05\x06")
    if (
        header.tensors
        and at >= 0
        and len(tail) - at - 22 == int.from_bytes(tail[at + 20 : at + 22], "little")
    ):
        raise UnreadableError("it ends as a zip archive")


def _gguf(file: File) -> None:
    from headstart.base.gguf_header import read_header as read_gguf

    read_gguf(file.path)


def _text(file: File) -> None:
    """Refuse what is no text: other signatures, bytes that are no UTF-8, NUL."""
    if file.size > _LARGEST_TEXT:
        raise UnreadableError(f"it is larger than {_LARGEST_TEXT:,} bytes, the limit for texts")
    found = signature(head(file.path))
    if found is not None:
        raise UnreadableError(f"it is no text but {found}")
    decoder = codecs.getincrementaldecoder("utf-8")()
    with file.path.open("rb") as stream:
        while block := stream.read(MEBIBYTE):
            _decode(decoder, block)
        _decode(decoder, b"", final=True)


def _decode(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> None:
    try:
        text = decoder.decode(block, final)
    except UnicodeDecodeError as error:
        raise UnreadableError("it is no UTF-8 text") from error
    if "\0" in text:
        raise UnreadableError("it is no text: it holds NUL characters")


def _lines(file: File) -> None:
    _text(file)
    json_lines(file.path)


def _image(file: File) -> None:
    found = signature(head(file.path))
    if found not in IMAGES:
        raise UnreadableError(f"it is no image{f' but {found}' if found else ''}")


def _binary(file: File) -> None:
    """Refuse what is another kind of file than the suffix says (tokenizers have no signature)."""
    found = signature(head(file.path))
    kind = kind_of(file.name)
    expected = {"npy": "npy", "npz": "zip", "keras": "zip", "hdf5": "hdf5"}.get(kind or "")
    if found != expected:
        raise UnreadableError(f"it is {found or 'something else'}, not what its name says")


_JUDGES: dict[str, Callable[[File], None]] = {
    "safetensors": _safetensors, "gguf": _gguf, "jsonl": _lines, "image": _image,
}  # fmt: skip
