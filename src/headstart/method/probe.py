"""probe: a linear head on frozen features, its whole regularisation path from one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.method.heads import Chosen, Point, Ways, chosen_head, fit_heads, solved_objective
from headstart.method.model import Fitted, Hyperparameters, Method, Setting
from headstart.task.model import Task
from headstart.train.linear import STRENGTHS, LinearHead, fit_path
from headstart.train.logistic import TOLERANCE
from headstart.train.network import head_shape
from headstart.train.scaling import Scaling, normalised
from headstart.train.workbench import Workbench

LOOSE = 0.5  # relative distance from the minimum at which scores no longer change


class Probe(Method):
    """Multinomial or one-vs-rest logistic regression, or ridge, on the base's own features.

    The strength of the L2 penalty is chosen among :data:`headstart.train.linear.STRENGTHS`, and
    with it whether features are standardised first, unless they are unit vectors: by
    cross-validation on the training rows and by the validation rows, taken together.
    """

    name = "probe"
    summary = "linear head on frozen features"

    def fit(self, setting: Setting) -> Fitted:
        """Fit the path, choose, refit."""
        values = setting.hyperparameters
        known = values if "strength" in values else None
        return fit_heads(setting, _ways(setting.task, setting.base, known), f"probe {known}")


def probe_head(task: Task, bench: Workbench, metric: str) -> LinearHead:
    """Return the probe's head fitted on train alone: where fine-tuning starts from.

    Starting from a fitted head keeps a random one from tearing the body up (Kumar et al. 2022,
    https://arxiv.org/abs/2202.10054).
    """
    ways = _ways(task, bench, None)
    found: Chosen = chosen_head(task, bench, metric, ways, "probe None")
    return found.head


@dataclass(frozen=True)
class _Linear(Ways):
    """Strengths with and without scaling."""

    task: Task
    path: tuple[float, ...]
    scaled: tuple[bool, ...]

    def points(self) -> list[Point]:
        """Return every strength, raw before scaled."""
        return list(product(self.scaled, self.path))

    def name(self, point: Point) -> Hyperparameters:
        """Return the point as hyperparameters."""
        return {"strength": point[1], "standardised": point[0]}

    def solve(
        self,
        features: NDArray[np.float32],
        targets: NDArray[Any],
        weights: NDArray[np.float64] | None,
        points: Sequence[Point],
        *,
        loose: bool = False,
    ) -> list[LinearHead]:
        """Fit one path with scaling and one without, as far as ``points`` need them."""
        outputs, _ = head_shape(self.task, 1)
        objective = solved_objective(self.task.objective)
        found: dict[Point, LinearHead] = {}
        for scaled in self.scaled:
            path = [strength for kind, strength in points if kind is scaled]
            if not path:
                continue
            scaling = Scaling.of(features) if scaled else None
            x = features if scaling is None else scaling(features)
            precise = LOOSE if loose else TOLERANCE
            heads = fit_path(x, targets, objective, outputs, path, weights, tolerance=precise)
            for strength, head in zip(path, heads, strict=True):
                found[scaled, strength] = head if scaling is None else scaling.undone(head)
        return [found[point] for point in points]


def _ways(task: Task, bench: Workbench, known: Hyperparameters | None) -> Ways:
    """Return what there is to choose from: all, or the near of what was chosen before."""
    if known is not None:
        near = (known["strength"] / 10, known["strength"], known["strength"] * 10)
        return _Linear(task, near, (known["standardised"],))
    values = bench.features("train").values
    unit = isinstance(values, list) or normalised(np.asarray(values))
    return _Linear(task, STRENGTHS, (False,) if unit else (False, True))
