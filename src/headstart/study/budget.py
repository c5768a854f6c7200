"""What a study may cost: operations, or time turned into operations by a measured rate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from headstart.errors import RequestError

DEFAULT = "10min"
_FORM = re.compile(r"^\s*([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*([a-z]+)\s*$", re.IGNORECASE)
_SECONDS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0,
    "h": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0,
}  # fmt: skip
_FLOP = {"flop": 1.0, "gflop": 1e9, "tflop": 1e12, "pflop": 1e15}
LONGEST, MOST = 1e9, 1e30  # seconds, operations: beyond that it is a slip of the hand


@dataclass(frozen=True)
class Budget:
    """A limit on training; exactly one of the two is set.

    Attributes:
        seconds: Wall-clock time.
        flop: Operations; the same decision every time, on every machine.
    """

    seconds: float | None = None
    flop: float | None = None

    def record(self) -> dict[str, Any]:
        """Return what study.json says of it."""
        return {"seconds": self.seconds, "flop": self.flop}


def parse_budget(text: str) -> Budget:
    """Return the budget that ``text`` names: "10min", "1.5h", "90s", "5e15flop".

    Raises:
        RequestError: It names none.
    """
    match = _FORM.match(text)
    unit = match.group(2).lower() if match else ""
    if unit not in {*_SECONDS, *_FLOP} and len(unit) > 2:  # "mins", "hours"; "ms" are no minutes
        unit = unit.removesuffix("s")
    amount = float(match.group(1)) if match else 0.0
    amount *= {**_SECONDS, **_FLOP}.get(unit, 0)
    if not 0 < amount < (LONGEST if unit in _SECONDS else MOST):
        raise RequestError(
            f"'{text}' is no budget", where="--budget", mend="type e.g. 10min, 2h, or 5e15flop"
        )
    if unit in _SECONDS:
        return Budget(seconds=amount)
    return Budget(flop=amount)
