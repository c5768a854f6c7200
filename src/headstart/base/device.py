"""Which device the work runs on."""

from __future__ import annotations

import os

import torch

from headstart.errors import RequestError


def pick_device() -> torch.device:
    """Return CUDA if there is one, else Apple's MPS, else the CPU.

    The environment variable ``HEADSTART_DEVICE`` ("cpu", "cuda:1", …) overrides.

    Raises:
        RequestError: ``HEADSTART_DEVICE`` names no device, or one that is not here.
    """
    wanted = os.environ.get("HEADSTART_DEVICE", "").strip()
    if not wanted:
        return torch.device(_best())
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise RequestError(
            f"cannot use the device '{wanted}': {str(error).splitlines()[0]}",
            where="environment variable HEADSTART_DEVICE",
            mend=f"unset it, or set it to '{_best()}'",
        ) from error
    return device


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
