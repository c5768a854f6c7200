"""Turn a GGUF file into a transformers folder once, and keep that in the cache."""

from __future__ import annotations

import os
import shutil
import tempfile
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from headstart.base.compat import quiet_transformers
from headstart.base.gguf_header import Header, read_header
from headstart.base.skeleton import count_parameters
from headstart.base.text_folder import is_decoder, refused
from headstart.base.weights import content_hash
from headstart.errors import RequestError, WorkError


def cache_folder() -> Path:
    """Return where converted weights are kept: ``HEADSTART_CACHE``, else the user's cache."""
    chosen = os.environ.get("HEADSTART_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "headstart"


def place(file: Path) -> Path:
    """Return the folder that :func:`converted` keeps, whether it is there yet or not.

    Raises:
        RequestError: The file is missing.
    """
    with refused(file):
        return cache_folder() / "converted" / f"{file.stem}-{content_hash(file)[:12]}"


def converted(file: Path) -> Path:
    """Return a folder with the weights (float32 safetensors), config and tokenizer of ``file``.

    The first call for a file takes some 20 s for 135 M weights; later ones nothing.

    Raises:
        RequestError: The file is missing or damaged, or claims more than it holds.
        WorkError: The cache cannot be written to.
    """
    folder = place(file)
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        with refused(file):
            _convert(file, beside)
        beside.chmod(0o755)
        _put(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def described(file: Path) -> Any:
    """Return the transformers configuration in ``file``, without converting its weights.

    Raises:
        RequestError: The file is missing or damaged.
    """
    with refused(file), quiet_transformers():
        header = read_header(file)
        _check_sizes(file, header)
        return _config(file)


def _config(file: Path) -> Any:
    """Return the configuration in ``file``, a copy of its own."""
    state = file.stat()
    return deepcopy(_read_config(file, state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=4)  # the library goes through all words of the vocabulary for it: seconds
def _read_config(file: Path, mtime_ns: int, size: int) -> Any:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(str(file.parent), gguf_file=file.name)


def _check(file: Path) -> None:
    """Refuse a file whose metadata describe another model than its tensors make up.

    The library would fill what is missing with random numbers, and make room for all that is
    described before it looks.
    """
    with refused(file), quiet_transformers():
        header = read_header(file)
        _check_sizes(file, header)
        with torch.device("meta"):
            described = count_parameters(_auto(config := _config(file)).from_config(config))
    if described > header.elements:
        raise _lies(file, f"{described:,} weights", f"{header.elements:,}")


def _check_sizes(file: Path, header: Header) -> None:
    """Refuse sizes in the metadata that no tensor has: the library loops and allocates by them."""
    blocks = header.integer("block_count")
    if blocks is not None and blocks > len(header.shapes):
        raise _lies(file, f"{blocks:,} blocks", f"{len(header.shapes):,} tensors")
    largest = max((max(shape) for shape in header.shapes.values()), default=0)
    for name in ("embedding_length", "feed_forward_length", "vocab_size"):
        size = header.integer(name)
        if size is not None and size > largest:
            raise _lies(file, f"{name} {size:,}", f"tensors of at most {largest:,} a side")


def _lies(file: Path, said: str, found: str) -> RequestError:
    return RequestError(
        f"the file's metadata describe {said}, and it holds {found}",
        where=str(file),
        mend="fetch the file again, from a place you trust",
    )


def _auto(config: Any) -> Any:
    """Return the library's class that reads all weights of the file, the output layer's, too."""
    from transformers import AutoModel, AutoModelForCausalLM

    return AutoModelForCausalLM if is_decoder(config) else AutoModel


def _put(beside: Path, folder: Path) -> None:
    try:
        # Not replacing_folder: a folder that is there already must stay, others may be reading it.
        beside.rename(folder)
    except OSError as error:
        if not folder.is_dir():  # else another process was first, with the same content
            raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> WorkError:
    return WorkError(
        f"cannot keep the converted weights: {error.strerror or error}",
        where=str(folder),
        mend="set HEADSTART_CACHE to a folder with room that you may write to",
    )


def _convert(file: Path, folder: Path) -> None:
    _check(file)
    with quiet_transformers():
        from transformers import AutoTokenizer

        auto = _auto(config := _config(file))
        source: dict[str, Any] = {"gguf_file": file.name}
        model, report = auto.from_pretrained(
            str(file.parent), config=config, dtype=torch.float32, output_loading_info=True, **source
        )
        missing = sorted(report["missing_keys"])
        if missing:
            raise _lies(file, f"a weight '{missing[0]}'", f"none ({len(missing)} are missing)")
        # save_pretrained refuses a model that came from GGUF; a fresh one with its weights saves.
        fields = model.config.to_dict()
        fields.pop("quantization_config", None)
        config = type(model.config).from_dict(fields)
        fresh = auto.from_config(config, dtype=torch.float32)
        fresh.load_state_dict(model.state_dict())
        fresh.save_pretrained(str(folder))
        AutoTokenizer.from_pretrained(str(file.parent), **source).save_pretrained(str(folder))
