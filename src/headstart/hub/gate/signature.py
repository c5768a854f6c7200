"""What bytes are, whatever their name says: archives, programs, pickles, and these in base64.

Nothing is unpacked, unpickled or run: signatures are compared, opcodes are listed.
"""

from __future__ import annotations

import base64
import binascii
import pickletools
import re
from dataclasses import dataclass

_SIGNATURES = (
    (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"PK\x07\x08", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "rar"), (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"\x5d\x00\x00", "lzma"),
    (b"\x04\x22\x4d\x18", "lz4"), (b"\x02\x21\x4c\x18", "lz4"), (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x1f\x9d", "compress"), (b"LZIP", "lzip"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"), (b"\x93NUMPY", "npy"), (b"GGUF", "gguf"),
    (b"\x7fELF", "program"), (b"MZ", "program"), (b"\xcf\xfa\xed\xfe", "program"),
    (b"\xca\xfe\xba\xbe", "program"), (b"#!", "script"),
    (b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"),
    (b"RIFF", "webp"), (b"%PDF", "pdf"),
)  # fmt: skip
ARCHIVES = frozenset(
    {"zip", "7z", "rar", "gzip", "bzip2", "xz", "lzma", "lz4", "zstd", "compress", "lzip", "tar"}
)
IMAGES = frozenset({"png", "jpeg", "gif", "webp"})
_TEXTUAL = {b"MZ", b"BZh", b"LZIP", b"RIFF", b"#!", b"GIF8"}  # texts may begin so, too
_CALLS = frozenset({"REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD"})
_NAMING = frozenset({"GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"})
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_LOOKED_AT = 2**20


def signature(data: bytes) -> str | None:
    """Return what bytes that begin so are ("zip", "pickle", "program" …), or None."""
    for magic, kind in _SIGNATURES:
        if data.startswith(magic) and not (magic in _TEXTUAL and _is_text(data)):
            return kind
    if data[257:262] == b"ustar":
        return "tar"
    if data.startswith(b"#!/"):
        return "script"
    return "pickle" if len(data) > 1 and data[0] == 0x80 and 2 <= data[1] <= 5 else None


@dataclass(frozen=True)
class Pickle:
    """What a pickle would do: the names that it looks up, and whether it calls any."""

    names: tuple[str, ...]
    calls: bool

    def __str__(self) -> str:
        return f"a pickle that names {', '.join(self.names)}" if self.names else "a pickle"


def pickled(data: bytes) -> Pickle | None:
    """Return what ``data`` would do when unpickled, or None when it is no pickle.

    Only the opcodes are gone through (https://docs.python.org/3/library/pickletools.html).
    """
    names: list[str] = []
    strings: list[str] = []
    calls, count = False, 0
    framed = len(data) > 1 and data[0] == 0x80 and data[1] <= 5
    try:
        for operation, argument, _ in pickletools.genops(data[:_LOOKED_AT]):
            count += 1
            if isinstance(argument, str):
                strings = [*strings[-1:], argument]
            if operation.name in _NAMING:
                named = argument if operation.name != "STACK_GLOBAL" else " ".join(strings)
                names += [str(named).replace(" ", ".")] if len(names) < 5 else []
            calls = calls or operation.name in _CALLS
    except Exception:  # the opcodes of what is no pickle may break off in any way
        if not (framed and names):
            return None
    found = Pickle(tuple(names), calls)
    return found if (names and calls) or (framed and count > 2) else None


def hidden(text: str) -> str | None:
    """Return what lies in ``text`` as base64 and does not belong into a model's files, or None.

    Archives, programs, pickles, and base64 once more.
    """
    for match in _BASE64.finditer(text):
        found = _within(match.group())
        if found is not None:
            return found
    return None


def _within(encoded: str) -> str | None:
    data = _decoded(encoded[:_LOOKED_AT])
    kind = signature(data)
    if kind == "pickle":
        found = pickled(data)
        return f"{found} in base64" if found is not None else None
    if kind in ARCHIVES or kind == "program":
        # Two or three bytes are too few to tell from chance.
        sure = kind != "program" or b"\0" in data[:16]
        return f"{_article(kind)} in base64" if sure else None
    again = data[:256].strip()
    if len(again) >= 24 and _BASE64.fullmatch(again.decode("latin-1")):
        return "base64 within base64"
    return None


def _decoded(text: str) -> bytes:
    whole = text.rstrip("=")
    whole = whole[: len(whole) // 4 * 4].replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(whole)
    except binascii.Error:
        return b""


def _article(kind: str) -> str:
    return "a program" if kind == "program" else f"an archive ({kind})"


def _is_text(data: bytes) -> bool:
    return all(byte >= 32 or byte in b"\t\n\r" for byte in data[:64])
