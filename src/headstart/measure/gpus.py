"""How much memory a GPU has, by its name; from the vendors' data sheets."""

from __future__ import annotations

import re

from headstart.errors import RequestError, nearest

GIB = 2**30
# GiB. Of cards that come in several sizes, the size is part of the name; a bare name is the least.
GPUS = {
    "T4": 16, "P4": 8, "P40": 24, "P100": 16, "V100": 16, "V100 32GB": 32,
    "A2": 16, "A10": 24, "A10G": 24, "A16": 16, "A30": 24, "A40": 48,
    "A100": 40, "A100 40GB": 40, "A100 80GB": 80, "L4": 24, "L40": 48, "L40S": 48,
    "H100": 80, "H100 NVL": 94, "H200": 141, "GH200": 96, "B200": 180, "GB200": 186,
    "GTX 1080 Ti": 11, "RTX 2060": 6, "RTX 2080 Ti": 11, "RTX 3050": 8, "RTX 3060": 12,
    "RTX 3060 Ti": 8, "RTX 3070": 8, "RTX 3080": 10, "RTX 3080 Ti": 12, "RTX 3090": 24,
    "RTX 4060": 8, "RTX 4060 Ti": 8, "RTX 4060 Ti 16GB": 16, "RTX 4070": 12, "RTX 4080": 16,
    "RTX 4090": 24, "RTX 5060 Ti 16GB": 16, "RTX 5070": 12, "RTX 5080": 16, "RTX 5090": 32,
    "RTX A2000": 6, "RTX A4000": 16, "RTX A5000": 24, "RTX A6000": 48, "RTX 6000 Ada": 48,
    "RTX PRO 6000": 96, "Quadro RTX 8000": 48, "MI100": 32, "MI210": 64, "MI250": 64,
    "MI300X": 192, "MI325X": 256, "RX 7900 XTX": 24,
}  # fmt: skip
_MAKERS = ("nvidia", "geforce", "amd", "radeon", "instinct", "tesla")


def gpu_memory(name: str) -> tuple[str, int]:
    """Return a GPU's name as it is written, and its bytes.

    Args:
        name: "H100", "rtx4090", "NVIDIA A100-80GB", or only a size: "24GB".

    Raises:
        RequestError: It is none of :data:`GPUS` and no size; the nearest is named.
    """
    plain = _plain(name)
    known = {_plain(one): one for one in GPUS}
    if plain in known:
        return known[plain], GPUS[known[plain]] * GIB
    size = re.fullmatch(r"(\d+(?:\.\d+)?)gi?b", name.strip().lower().replace(" ", ""))
    if size is not None and 0 < float(size[1]) < 1e6:
        return f"a GPU of {size[1]} GiB", int(float(size[1]) * GIB)
    raise RequestError(
        f"no GPU of the name '{name}' is known",
        where="--gpu",
        mend=f"{nearest(name, GPUS)}; or give its memory, e.g. --gpu 24GB",
    )


def _plain(name: str) -> str:
    """Return the name without its maker, spaces and hyphens."""
    small = name.lower()
    for maker in _MAKERS:
        small = small.replace(maker, "")
    return re.sub(r"[\s_\-]|sxm\d?|pcie", "", small)
