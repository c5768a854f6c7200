"""The zip files that a standard may allow (.npz, .keras), looked into without unpacking them.

No more is decompressed than the few kilobytes that tell what a member is, so that a bomb stays
folded; archives within archives are refused.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headstart.hub.gate.reading import MEBIBYTE, UnreadableError, load_json
from headstart.hub.gate.signature import ARCHIVES, pickled, signature

_MOST = 10_000
_LARGEST = 20 * 2**30
_RATIO = 200  # zeros deflate a thousandfold; weights hardly at all
_DIRECTORY = 46  # bytes of the smallest entry of a zip's directory
_CONFIGURATION = 16 * MEBIBYTE
_KERAS_MEMBERS = re.compile(r"(config|metadata)\.json|model\.weights\.h5")
_KERAS_MODULES = re.compile(
    r"keras(\.src)?(\.(layers|initializers|regularizers|constraints|activations|optimizers|losses|"
    r"metrics|models|dtype_policies)(\.\w+)*)?"
)
_KERAS_CODE = frozenset({"Lambda", "__lambda__", "TFSMLayer", "function", "TorchModuleWrapper"})


def look_into(file: Path, kind: str | None) -> Iterator[str]:
    """Yield what must not be within the zip ``file`` of kind ``npz``, ``keras`` or any other."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            yield from _sizes(members)
            for member in members[:_MOST]:
                for fault in _member(archive, member, kind):
                    yield f"its member '{member.filename[:80]}' {fault}"
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, ValueError, RuntimeError) as error:
        yield f"it is no readable zip: {error}"
    except (NotImplementedError, EOFError, UnreadableError) as error:
        yield f"it is no readable zip: {error}"


def _sizes(members: list[zipfile.ZipInfo]) -> Iterator[str]:
    if len(members) > _MOST:
        yield f"it has {len(members):,} members; the limit is {_MOST:,}"
    total = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if total > _LARGEST or total > _RATIO * max(packed, MEBIBYTE):
        yield f"it is a bomb: {packed:,} bytes claim to unpack to {total:,}"


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, kind: str | None) -> Iterator[str]:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        yield "is compressed in an unusual way"
        return
    with archive.open(member) as stream:
        begin = stream.read(64 * 1024)
    found = signature(begin)
    if found == "pickle" or pickled(begin) is not None:
        yield f"is {pickled(begin) or 'a pickle'}"
    elif found in ARCHIVES:
        yield f"is an archive within an archive ({found})"
    elif kind == "npz":
        yield from array_faults(begin)
    elif kind == "keras":
        yield from _keras(archive, member)


def array_faults(begin: bytes) -> Iterator[str]:
    """Yield what is wrong with a .npy array that begins so: objects are pickles."""
    from numpy.lib import format as layout

    stream = io.BytesIO(begin)
    try:
        version = layout.read_magic(stream)
        read = layout.read_array_header_1_0 if version == (1, 0) else layout.read_array_header_2_0
        dtype = read(stream)[2]
    except Exception as error:  # a header that was made up may fail in any way
        yield f"is no NumPy array: {' '.join(str(error).split())[:200]}"
        return
    if dtype.hasobject:
        yield "is an array of Python objects, which are pickled"


def _keras(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[str]:
    if not _KERAS_MEMBERS.fullmatch(member.filename):
        yield "is not what a .keras file holds"
    elif member.filename == "config.json":
        with archive.open(member) as stream:
            raw = stream.read(_CONFIGURATION + 1)
        if len(raw) > _CONFIGURATION:
            yield f"is larger than {_CONFIGURATION:,} bytes"
        else:
            yield from keras_faults(load_json(raw.decode("utf-8")))


def keras_faults(configuration: Any) -> Iterator[str]:
    """Yield the layers of a Keras configuration that carry or name code."""
    pending = [configuration]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            pending += item.values()
            name, module = item.get("class_name"), item.get("module")
            if name in _KERAS_CODE or item.get("registered_name") not in (None, name):
                yield f"has the layer '{str(name)[:80]}', which carries code"
            elif module is not None and not _KERAS_MODULES.fullmatch(str(module)):
                yield f"names the module '{str(module)[:80]}', which is not on the list"
