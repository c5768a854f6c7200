"""prototype: the nearest class mean, in frozen features (Snell et al. 2017)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.base.model import BaseCard
from headstart.method.climb import Line, Point
from headstart.method.heads import Ways, fit_heads
from headstart.method.model import Fitted, Hyperparameters, Method, Setting
from headstart.task.model import Objective, Task
from headstart.train.linear import LinearHead, prototype_head

TEMPERATURES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


class Prototype(Method):
    """Class means as a linear head: squared Euclidean distance makes the softmax linear.

    Prototypical networks, https://arxiv.org/abs/1703.05175, section 2.4. The temperature moves
    no decision, only the confidence; it is chosen by log loss.
    """

    name = "prototype"
    summary = "nearest class mean in frozen features"

    def refuse(self, task: Task, card: BaseCard | None) -> str | None:
        """Only single labels have class means."""
        if task.objective is not Objective.SINGLE_LABEL:
            return "prototypes need exactly one class an item"
        return None

    def fit(self, setting: Setting) -> Fitted:
        """Take the means, choose the temperature, take them again with validation."""
        return fit_heads(setting, _Means(len(setting.task.classes)), "prototype")


class _Means(Ways):
    """Temperatures of the same class means."""

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def name(self, points: tuple[Point, ...]) -> Hyperparameters:
        """Return the one temperature as hyperparameters."""
        return {"temperature": points[0]}

    def solve(
        self,
        features: NDArray[np.float32],
        targets: NDArray[Any],
        weights: NDArray[np.float64] | None,  # means weigh every class the same as it is
        point: Point,
        start: LinearHead | None = None,
    ) -> LinearHead:
        """Take the means; the temperature is relative to the features' variance."""
        spread = float(np.square(features - features.mean(axis=0)).sum(axis=1).mean()) or 1.0
        return prototype_head(features, targets, self.classes, point / spread)

    def lines(
        self,
        features: NDArray[np.float32],
        targets: NDArray[Any],
        weights: NDArray[np.float64] | None,
        fold: NDArray[np.int64],
    ) -> list[Line]:
        """Return the temperatures; each fold's means are of the other folds."""

        def heads(point: Point) -> list[LinearHead]:
            kept = [fold != out for out in range(int(fold.max()) + 1)]
            return [self.solve(features[rows], targets[rows], None, point) for rows in kept]

        return [Line(TEMPERATURES, heads)]
