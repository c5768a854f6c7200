"""The one way in which transformers loads a folder's weights here: safely, and all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from headstart.base.compat import quiet_transformers
from headstart.base.weights import corrupt, read_weights
from headstart.errors import RequestError


def load_weights(
    auto: Any, folder: Path, files: Sequence[Path], config: Any, spare: Callable[[str], bool]
) -> nn.Module:
    """Return the model of ``folder`` in float32; no remote code, no pickle beyond tensors.

    Args:
        auto: A transformers auto class.
        folder: Configuration and weights.
        files: The weight files, at least one.
        config: The configuration, read already.
        spare: Tells of a weight's name whether it may be missing (a head that goes anyway).

    Raises:
        RequestError: The weights are damaged, unsafe, or not all there.
    """
    for file in files:
        if file.suffix == ".bin":
            read_weights(file)  # refuses pickles with more than tensors before the library looks
    try:
        with quiet_transformers():
            model, report = auto.from_pretrained(
                str(folder),
                config=config,
                dtype=torch.float32,
                trust_remote_code=False,
                use_safetensors=files[0].suffix == ".safetensors",
                output_loading_info=True,
            )
    except Exception as error:  # safetensors, OSError, RuntimeError: all mean damaged weights
        raise corrupt(files[0], error) from error
    missing = sorted(name for name in report["missing_keys"] if not spare(name))
    if missing:
        raise RequestError(
            f"{len(missing)} weights of the architecture are missing, the first is '{missing[0]}'",
            where=str(files[0]),
            mend="fetch the file again, or a config.json that fits it",
        )
    return cast(nn.Module, model)
