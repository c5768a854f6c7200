"""Memory of this process and machine, as the system counts it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import torch

PROCESS, MACHINE = Path("/proc/self"), Path("/proc/meminfo")


def available_bytes(device: torch.device) -> int | None:
    """Return the bytes that may still be taken on a device; None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return _kilobytes(MACHINE, "MemAvailable")


def resident_bytes() -> int | None:
    """Return the bytes that this process holds now; None where the system does not say."""
    return _kilobytes(PROCESS / "status", "VmRSS")


class Peak:
    """Watches the most that this process held since it was made.

    Linux counts it (``VmHWM``), and starts again where it may be told to (``clear_refs``, see
    proc(5)); where it may not, the count is since the process began.
    """

    def __init__(self) -> None:
        with suppress(OSError):
            (PROCESS / "clear_refs").write_text("5")

    def bytes(self) -> int | None:
        """Return the peak so far; None where the system does not say."""
        return _kilobytes(PROCESS / "status", "VmHWM")


def _kilobytes(path: Path, name: str) -> int | None:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        found = next(line for line in lines if line.startswith(f"{name}:"))
        return 1024 * int(found.split()[1])
    except (OSError, StopIteration, ValueError, IndexError):
        return None
