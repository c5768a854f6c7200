"""probe: a linear head on frozen features, its whole regularisation path from one pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.method.climb import Line, Point
from headstart.method.heads import (
    Chosen,
    Ways,
    chosen_head,
    fit_heads,
    solved_objective,
)
from headstart.method.model import Fitted, Hyperparameters, Method, Setting
from headstart.task.model import Objective, Task
from headstart.train.linear import STRENGTHS, FoldHeads, LinearHead, fit_path
from headstart.train.network import head_shape
from headstart.train.scaling import Scaling, normalised
from headstart.train.workbench import Workbench


class Probe(Method):
    """Multinomial or one-vs-rest logistic regression, or ridge, on the base's own features.

    The strength of the L2 penalty is chosen among :data:`headstart.train.linear.STRENGTHS`, with
    features as they are and, unless they are unit vectors, standardised: by cross-validation on
    train and validation together. Where it cannot tell the two apart, the head is the mean of both.
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
    """Paths of strengths, without scaling and with.

    Attributes:
        task: What to learn.
        choices: Whether features are standardised, and the strengths from strong to weak.
    """

    task: Task
    choices: tuple[tuple[bool, tuple[float, ...]], ...]

    def name(self, points: tuple[Point, ...]) -> Hyperparameters:
        """Return strengths, without and with scaling, as hyperparameters."""
        return {"strength": [p[1] for p in points], "standardised": [p[0] for p in points]}

    def solve(
        self,
        features: NDArray[np.float32],
        targets: NDArray[Any],
        weights: NDArray[np.float64] | None,
        point: Point,
        start: LinearHead | None = None,
    ) -> LinearHead:
        """Fit one strength, to the last digit that decides."""
        scaled, strength = point
        scaling = Scaling.of(features) if scaled else None
        x = features if scaling is None else scaling(features)
        near = start if scaling is None or start is None else scaling.done(start)
        outputs, objective = self._shape()
        head = fit_path(x, targets, objective, outputs, [strength], weights, start=near)[0]
        return head if scaling is None else scaling.undone(head)

    def lines(
        self,
        features: NDArray[np.float32],
        targets: NDArray[Any],
        weights: NDArray[np.float64] | None,
        fold: NDArray[np.int64],
    ) -> Iterator[Line]:
        """Yield the strengths without scaling and with, as far as there is a choice."""
        for scaled, path in self.choices:
            yield self._line(features, targets, weights, fold, scaled, path)

    def _line(
        self,
        features: NDArray[np.float32],
        targets: NDArray[Any],
        weights: NDArray[np.float64] | None,
        fold: NDArray[np.int64],
        scaled: bool,
        path: tuple[float, ...],
    ) -> Line:
        """Return the strengths. Means and deviations are of all rows: they see no target."""
        scaling = Scaling.of(features) if scaled else None
        x = features if scaling is None else scaling(features)
        outputs, objective = self._shape()
        found = FoldHeads(x, targets, objective, outputs, fold, weights)

        def heads(point: Point) -> list[LinearHead]:
            solved = found.at(point[1])
            return solved if scaling is None else [scaling.undone(head) for head in solved]

        return Line(tuple((scaled, strength) for strength in path), heads)

    def _shape(self) -> tuple[int, Objective]:
        return head_shape(self.task, 1)[0], solved_objective(self.task.objective)


def _ways(task: Task, bench: Workbench, known: Hyperparameters | None) -> Ways:
    """Return what there is to choose from: all, or the near of what was chosen before."""
    if known is not None:
        chosen = zip(known["standardised"], known["strength"], strict=True)
        return _Linear(task, tuple((scaled, (c / 10, c, c * 10)) for scaled, c in chosen))
    values = bench.features("train").values
    unit = isinstance(values, list) or normalised(np.asarray(values))
    scalings = (False,) if unit else (False, True)
    return _Linear(task, tuple((scaled, STRENGTHS) for scaled in scalings))
