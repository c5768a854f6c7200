"""Read weight files safely, and name what is in them by a hash."""

from __future__ import annotations

import functools
import hashlib
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from headstart.errors import RequestError
from headstart.files import digest

CORRUPT_MEND = "fetch the file again: it is cut short, damaged or not a weight file"


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file or of a pickle that holds nothing but tensors.

    Raises:
        RequestError: The file is missing, damaged, or a pickle with other objects in it.
    """
    if not path.is_file():
        raise RequestError(
            "there is no weight file", where=str(path), mend="check the path and its spelling"
        )
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise RequestError(
            "the file is damaged, or a pickle with more than tensors in it, which could run "
            "code on this machine; it was not opened",
            where=str(path),
            mend="use a .safetensors file of the same weights",
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise corrupt(path, error) from error
    return _tensors_of(state, path)


def corrupt(path: Path, error: BaseException) -> RequestError:
    """Return the error for a weight file that cannot be read."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return RequestError(f"cannot read the weights: {reason}", where=str(path), mend=CORRUPT_MEND)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(str(path), device="cpu"))
    except (SafetensorError, OSError, ValueError) as error:
        raise corrupt(path, error) from error


def _tensors_of(state: object, path: Path) -> dict[str, Tensor]:
    # Training scripts wrap the state dict: {"state_dict": {...}, "epoch": 3, ...}.
    for key in ("state_dict", "model"):
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise RequestError(
            "expected a state dict (name to tensor), found something else",
            where=str(path),
            mend="save the model's state_dict() and name that file",
        )
    return {str(name).removeprefix("module."): tensor for name, tensor in state.items()}


def load_exactly(
    module: nn.Module, state: Mapping[str, Tensor], where: str, optional: Sequence[str] = ()
) -> None:
    """Load ``state`` into ``module``; every weight must be there with its shape.

    Args:
        module: The network to fill.
        state: Name to tensor; more than ``module`` has is an error, too.
        where: File to name in an error.
        optional: Prefixes of names that may be missing or too many (a classifier).

    Raises:
        RequestError: A name or a shape does not fit; the first one is named.
    """
    wanted = module.state_dict()

    def free(name: str) -> bool:
        return any(name == prefix or name.startswith(prefix + ".") for prefix in optional)

    given = {name: tensor for name, tensor in state.items() if not (free(name))}
    missing = [n for n in wanted if n not in given and not free(n) and not _counter(n)]
    extra = [name for name in given if name not in wanted]
    shapes = [n for n, t in given.items() if n in wanted and t.shape != wanted[n].shape]
    if missing or extra or shapes:
        name = (missing or shapes or extra)[0]
        found = f"{tuple(given[name].shape)}" if name in given else "nothing"
        expected = f"{tuple(wanted[name].shape)}" if name in wanted else "nothing"
        raise RequestError(
            f"the weights do not fit the architecture: at '{name}' expected {expected}, found "
            f"{found} ({len(missing)} missing, {len(shapes)} of another shape, "
            f"{len(extra)} unknown)",
            where=where,
            mend="name the architecture that these weights belong to",
        )
    module.load_state_dict(given, strict=False)


def _counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")  # old checkpoints lack it; eval does not use it


def content_hash(*paths: Path) -> str:
    """Return 32 hex digits over the bytes of the files, read once per file state."""
    return digest(*(_file_hash(str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in paths))


@functools.lru_cache(maxsize=256)
def _file_hash(path: str, mtime_ns: int, size: int) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
