"""Make libraries importable: torchvision beside a torch it does not fit, peft without the hub."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

_LOG = logging.getLogger(__name__)

# The two operators that torchvision's Python code registers shape functions for at import.
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def prepare_torchvision(*, say: bool = True) -> None:
    """Call before importing torchvision, timm or transformers; does its work once a process.

    A torchvision built for CUDA next to a CPU torch fails at import with "operator
    torchvision::nms does not exist", and takes transformers' models with it. Declaring the
    operators' schemas (without kernels) is enough for models and transforms; detection models,
    which need the kernels, stay unusable and say so themselves.

    Args:
        say: Whether to warn of what stays missing; where only texts are read, nobody misses it.
    """
    if _declare_missing_operators() is not None and say:
        _say_once()


@functools.cache
def _declare_missing_operators() -> torch.library.Library | None:
    # The library object is kept by the cache: when it is collected its operators go too.
    folder = _torchvision_folder()
    if folder is None or _compiled_operators_load(folder):
        return None
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS:
        if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
            library.define(schema)  # type: ignore[no-untyped-call]
    return library


@functools.cache
def _say_once() -> None:
    _LOG.warning(
        "torchvision's compiled operators do not fit torch %s; its models and transforms work "
        "all the same, detection (nms) does not. To have it all: install the torchvision that "
        "was built for this torch.",
        torch.__version__,
    )


@functools.cache
def prepare_peft() -> None:
    """Call before importing peft or bitsandbytes; does its work once a process.

    peft imports bitsandbytes where it is installed. That, on processors with AVX512-BF16 and
    where the package ``kernels`` is installed, fetches compiled code from the hub and runs it;
    nobody asked for either. Without it bitsandbytes has all that we use.
    """
    if "bitsandbytes" in sys.modules or importlib.util.find_spec("bitsandbytes") is None:
        return
    logger = logging.getLogger("bitsandbytes.backends.cpu.ops")  # warns of what is missing then
    hidden, level = sys.modules.get("kernels"), logger.level
    sys.modules["kernels"] = None  # type: ignore[assignment]
    logger.setLevel(logging.ERROR)
    try:
        with suppress(Exception):  # who needs it hears of it when importing it
            importlib.import_module("bitsandbytes")
    finally:
        logger.setLevel(level)
        del sys.modules["kernels"]
        if hidden is not None:
            sys.modules["kernels"] = hidden


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence transformers' bars and load reports; what they warn of is checked by the caller."""
    prepare_torchvision(say=False)
    from transformers.utils import logging

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


def _torchvision_folder() -> Path | None:
    spec = importlib.util.find_spec("torchvision")
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def _compiled_operators_load(folder: Path) -> bool:
    for file in sorted((*folder.glob("_C*.so"), *folder.glob("_C*.pyd"))):
        try:
            torch.ops.load_library(str(file))  # type: ignore[no-untyped-call]
        except (OSError, ImportError):
            continue
        return True
    return False
