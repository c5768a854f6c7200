"""What work takes on this machine, learnt from the work that it did."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from pathlib import Path

import numpy as np

from headstart.errors import UnwritableError
from headstart.files import write_json
from headstart.train.cache import default_root

KEPT = 8  # observations of one kind of work, the newest: machines and versions change

Observations = list[list[float]]  # (units, amount) each


class Learnt:
    """Seconds (or bytes) that work took, by its name, in a file that all studies of a user share.

    Args:
        path: The file; by default beside the feature cache.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = default_root().parent / "learnt.json" if path is None else path

    def amount(self, name: str, units: float) -> float | None:
        """Return what so many units will take, or None if none were ever done here.

        A fixed part and a part for each unit, neither negative, by least squares of the relative
        errors: what is small is to be foretold as well as what is large.
        """
        known = self._read().get(name)
        if not known:
            return None
        done, taken = np.array(known).T
        if np.ptp(done) == 0:  # one size says nothing of a fixed part
            return float(np.median(taken) * units / done[0])
        scaled = np.stack([1 / taken, done / taken], axis=1)
        size = scaled.max(axis=0)
        from scipy.optimize import nnls

        (fixed, each), _ = nnls(scaled / size, np.ones(len(taken)))
        return float(fixed / size[0] + each / size[1] * units)

    def learn(self, name: str, units: float, amount: float) -> None:
        """Remember that so many units took so much."""
        if not (_is_amount(units) and _is_amount(amount)):
            return
        known = self._read()
        known[name] = [*known.get(name, []), [float(units), float(amount)]][-KEPT:]
        with suppress(UnwritableError):  # that costs a worse forecast, no more
            write_json(self.path, known)

    def _read(self) -> dict[str, Observations]:
        try:
            known = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(known, dict):
            return {}
        return {name: found for name, found in known.items() if _are_observations(found)}


def _are_observations(found: object) -> bool:
    return isinstance(found, list) and all(
        isinstance(one, list) and len(one) == 2 and all(map(_is_amount, one)) for one in found
    )


def _is_amount(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and value > 0
