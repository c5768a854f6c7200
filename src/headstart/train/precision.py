"""The dtype to train in, settled by a measurement of some milliseconds and not by habit.

bfloat16 is several times faster than float32 where the hardware multiplies it (AMX, AVX512-BF16,
GPUs) and some 50 times slower where it does not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import torch

_WORTH = 1.2  # bfloat16 costs accuracy: it must be this many times faster
_SIZE = 256
_REPEATS = 3


def training_dtype(device: torch.device | str = "cpu") -> torch.dtype:
    """Return bfloat16 where autocast to it makes training at least 1.2 times faster.

    Measured once a process and kind of device. float16 is never chosen: it needs loss scaling.

    Args:
        device: Where the model will be trained.

    Returns:
        ``torch.bfloat16`` or ``torch.float32``.
    """
    return _measured_dtype(torch.device(device).type)


@cache
def _measured_dtype(device_type: str) -> torch.dtype:
    full = _seconds(torch.float32, device_type)
    try:
        half = _seconds(torch.bfloat16, device_type, longest=full)
    except (RuntimeError, NotImplementedError):  # no bfloat16 product on this device
        return torch.float32
    return torch.bfloat16 if full >= _WORTH * half else torch.float32


def _seconds(dtype: torch.dtype, device_type: str, longest: float | None = None) -> float:
    """Return the shortest of a few timed products; stop early beyond ``longest``."""
    size = _SIZE if device_type == "cpu" else 16 * _SIZE
    left = torch.ones(size, size, dtype=dtype, device=device_type)
    wait = _synchroniser(device_type)
    shortest = float("inf")
    for repeat in range(_REPEATS + 1):  # the first call also loads kernels: not counted
        wait()
        began = time.perf_counter()
        left @ left
        wait()
        elapsed = time.perf_counter() - began
        if repeat > 0:
            shortest = min(shortest, elapsed)
        if longest is not None and elapsed > 100 * longest:
            return elapsed  # hopeless, whatever loading cost
    return shortest


def _synchroniser(device_type: str) -> Callable[[], None]:
    if device_type == "cuda":
        return torch.cuda.synchronize
    if device_type == "mps":
        return torch.mps.synchronize
    return lambda: None
