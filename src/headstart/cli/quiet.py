"""Keeps other libraries' notices out of the user's sight, and their networks unasked."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator

_NOISY = (
    "accelerate",
    "datasets",
    "filelock",
    "huggingface_hub",
    "lm_eval",
    "onnx",
    "onnxscript",
    "peft",
    "PIL",
    "sentence_transformers",
    "timm",
    "torch",
    "torchvision",
    "transformers",
)

_SETTINGS = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "DATASETS_VERBOSITY": "error",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
}


def wanted() -> bool:
    """Return whether the user asked for everything the libraries say (HEADSTART_DEBUG=1)."""
    return os.environ.get("HEADSTART_DEBUG", "") not in ("", "0")


def hush() -> None:
    """Turn off warnings, loggers and telemetry of the libraries below; call before they load.

    What the user has set in the environment stays as it is, and HEADSTART_DEBUG=1 leaves
    everything on.
    """
    if wanted():
        return
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    warnings.simplefilter("ignore")
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)


@contextlib.contextmanager
def own_stdout() -> Iterator[None]:
    """Swallow what libraries print while the block runs, so that stdout carries results only."""
    if wanted():
        yield
        return
    with contextlib.redirect_stdout(io.StringIO()):
        yield
