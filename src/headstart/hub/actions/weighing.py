"""How many numbers a model has, by their types: from the headers of its safetensors files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from math import prod

from headstart.errors import HeadstartError
from headstart.hub.hub import Hub
from headstart.hub.registry.model import Entry
from headstart.hub.store.header import PREFIX, HeaderError, header_bytes, parsed
from headstart.hub.store.store import Store

_WHOLE = "model.safetensors"
_ENDING = ".safetensors"
_LONGEST = 4 * 1024 * 1024  # a header of some 40,000 tensors
_MOST = 256


def parameters_of(hub: Hub, files: Mapping[str, Entry]) -> dict[str, int]:
    """Return how many numbers of each type (``F32``, …) a model's weights hold.

    ``model.safetensors`` counts if it is there, else every safetensors file that lies in no folder.
    Empty where there is none, or one that cannot be read.
    """
    loose = [one for path, one in files.items() if path.endswith(_ENDING) and "/" not in path]
    wanted = [files[_WHOLE]] if _WHOLE in files else loose
    found: Counter[str] = Counter()
    for entry in wanted[:_MOST]:
        counted = _counted(hub.store, entry.sha256, entry.size)
        if counted is None:
            return {}
        found.update(dict(counted))
    return dict(found)


@lru_cache(maxsize=4096)
def _counted(store: Store, sha256: str, size: int) -> tuple[tuple[str, int], ...] | None:
    try:
        length = header_bytes(_bytes(store, sha256, 0, min(size, PREFIX + 1)))
        if length is None or length > min(_LONGEST, size - PREFIX):
            return None
        header = parsed(_bytes(store, sha256, PREFIX, PREFIX + length))
    except (HeadstartError, HeaderError):
        return None
    found: Counter[str] = Counter()
    for tensor in header.tensors:
        found[tensor.dtype] += prod(tensor.shape)
    return tuple(found.items())


def _bytes(store: Store, sha256: str, start: int, stop: int) -> bytes:
    return b"".join(store.read(sha256, start, stop))
