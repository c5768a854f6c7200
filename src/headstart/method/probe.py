"""probe: a linear head on frozen features, its whole regularisation path from one pass."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.method.heads import WEIGHTED, choose, fit_heads, flat, solved_objective
from headstart.method.model import Fitted, Method, Setting
from headstart.task.model import Task
from headstart.train.linear import STRENGTHS, LinearHead, fit_path
from headstart.train.loss import class_weights
from headstart.train.network import head_shape
from headstart.train.workbench import Workbench


class Probe(Method):
    """Multinomial or one-vs-rest logistic regression, or ridge, on the base's own features.

    The strength of the L2 penalty is chosen on validation among
    :data:`headstart.train.linear.STRENGTHS`.
    """

    name = "probe"
    summary = "linear head on frozen features"

    def fit(self, setting: Setting) -> Fitted:
        """Fit the path, choose, refit."""
        fixed = setting.hyperparameters.get("strength")
        path = STRENGTHS if fixed is None else (fixed / 10, fixed, fixed * 10)
        solve = partial(_solve, setting.task, path)
        return fit_heads(setting, solve, lambda index: {"strength": path[index]})


def probe_head(task: Task, bench: Workbench, metric: str) -> LinearHead:
    """Return the probe's head fitted on train alone: where fine-tuning starts from.

    Starting from a fitted head keeps a random one from tearing the body up (Kumar et al. 2022,
    https://arxiv.org/abs/2202.10054).
    """
    weights = (
        class_weights(task.train, task.objective, len(task.classes)) if metric in WEIGHTED else None
    )
    features = flat(bench.features("train").values, task.train.targets)
    heads = _solve(task, STRENGTHS, *features, weights)
    values = bench.features("validation").values
    return choose(heads, values, task.validation, task, metric).head


def _solve(
    task: Task,
    path: Sequence[float],
    features: NDArray[np.float32],
    targets: NDArray[Any],
    weights: NDArray[np.float64] | None,
) -> list[LinearHead]:
    objective = solved_objective(task.objective)
    outputs, _ = head_shape(task, 1)
    return fit_path(features, targets, objective, outputs, path, class_weight=weights)
