"""What the closed-form heads share: one pass of features in, a linear head out."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.measure.score import score
from headstart.method.adapted import NetworkModel, Signature
from headstart.method.model import Fitted, Hyperparameters, Setting
from headstart.rank.folds import folds
from headstart.rank.score import Evidence
from headstart.task.model import Objective, Part, Task
from headstart.train.evaluate import Predictions
from headstart.train.linear import LinearHead, predict
from headstart.train.loss import class_weights
from headstart.train.network import Network
from headstart.train.workbench import Values, Workbench

Point = Any  # what a method calls one of its settings; hashable
REFITTED = "chosen on held-out rows, then fitted again on train and validation together"
MOST_FOLDED = 20_000  # training rows; with more, validation alone tells settings apart
WEIGHTED = ("macro_f1", "balanced_accuracy")  # metrics in which every class counts the same


class Ways(ABC):
    """The settings of a closed-form head: what there is to choose from."""

    @abstractmethod
    def points(self) -> list[Point]:
        """Return the settings, the plainest first."""

    @abstractmethod
    def name(self, point: Point) -> Hyperparameters:
        """Return a setting as hyperparameters."""

    @abstractmethod
    def solve(
        self,
        features: NDArray[np.float32],
        targets: NDArray[Any],
        weights: NDArray[np.float64] | None,
        points: Sequence[Point],
        *,
        loose: bool = False,
    ) -> list[LinearHead]:
        """Return one head on raw features for each of ``points``.

        Args:
            features: (N, D).
            targets: As in :class:`~headstart.task.model.Part`, a row each.
            weights: (C,) of the classes, or None.
            points: Some of :meth:`points`.
            loose: Only scores will be compared: no more digits than that takes.
        """


@dataclass(frozen=True)
class Chosen:
    """The best head, fitted on train, and its setting.

    Attributes:
        head: On raw features.
        point: Its setting.
        validation: What it predicts on the validation rows, which it has not learnt.
        seconds, cpu_seconds: What choosing took.
    """

    head: LinearHead
    point: Point
    validation: Predictions
    seconds: float
    cpu_seconds: float


def solved_objective(objective: Objective) -> Objective:
    """Return the objective as a head sees it: a word's tag is one label among many."""
    return Objective.SINGLE_LABEL if objective is Objective.TAGS else objective


def flat(values: Values, targets: object) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Return features (M, D) and targets (M, …), a row an item, or a row a word for tags."""
    if not isinstance(values, list):
        return np.asarray(values), np.asarray(targets)
    pairs = [
        (words[: len(tags)], tags[: len(words)])
        for words, tags in zip(values, targets, strict=True)  # type: ignore[call-overload]
    ]
    return np.concatenate([w for w, _ in pairs]), np.concatenate([t for _, t in pairs])


def head_predictions(head: LinearHead, values: Values, part: Part, task: Task) -> Predictions:
    """Return what the head says of a part's features, as :mod:`headstart.measure.score` wants."""
    if not isinstance(values, list):
        return predict(head, np.asarray(values), task.objective).astype(np.float64)
    guess = int(np.argmax(head.bias))  # for words past the encoder's limit
    tags = []
    for words, item in zip(values, part.inputs, strict=True):
        found = (words @ head.weight.T + head.bias).argmax(axis=1).astype(np.int64)
        missing = max(0, len(item) - len(found))  # type: ignore[arg-type]
        tags.append(np.concatenate([found, np.full(missing, guess, dtype=np.int64)]))
    return tags


def chosen_head(task: Task, bench: Workbench, metric: str, ways: Ways, name: str) -> Chosen:
    """Return the best of ``ways``, found once for all trials that start from it.

    Args:
        task: What to learn.
        bench: The base's features.
        metric: By which to choose.
        ways: What to choose from.
        name: Of the choice; another one for other ways.
    """
    return bench.once(f"head {name} {metric}", lambda: _choose(task, bench, metric, ways))


def _choose(task: Task, bench: Workbench, metric: str, ways: Ways) -> Chosen:
    """Choose by held-out folds of train and by validation together; ties by log loss.

    A validation part of a few hundred rows alone mistakes the best strength by a point or two.
    """
    train, validation = bench.features("train").values, bench.features("validation").values
    started, cpu_started = time.monotonic(), time.process_time()
    points, weights = ways.points(), head_weights(task, metric)
    heads = ways.solve(*flat(train, task.train.targets), weights, points)
    held_out = [head_predictions(head, validation, task.validation, task) for head in heads]
    judged, targets = held_out, task.validation.targets
    if len(points) > 1 and _can_be_folded(task, train):
        inside = _cross_validated(task, np.asarray(train), weights, ways)
        judged = [np.concatenate(pair) for pair in zip(inside, held_out, strict=True)]
        targets = np.concatenate([task.train.targets, task.validation.targets])
    merits = [_merit(task, targets, found, metric) for found in judged]
    index = max(range(len(merits)), key=lambda i: merits[i])
    return Chosen(
        heads[index],
        points[index],
        held_out[index],
        time.monotonic() - started,
        time.process_time() - cpu_started,
    )


def _can_be_folded(task: Task, values: Values) -> bool:
    """Tell whether training rows can be held out in turn, and are few enough to be worth it."""
    contents = len(set(task.train.ids))
    return not isinstance(values, list) and contents > 1 and len(values) <= MOST_FOLDED


def _merit(task: Task, targets: Any, found: Predictions, metric: str) -> tuple[float, float]:
    """Return the score, and what settles ties between equal scores."""
    main = score(task.objective, task.classes, targets, found, metric)
    if task.objective is not Objective.SINGLE_LABEL:
        return main, 0.0
    return main, -score(task.objective, task.classes, targets, found, "log_loss")


def _cross_validated(
    task: Task, features: NDArray[np.float32], weights: NDArray[np.float64] | None, ways: Ways
) -> list[NDArray[Any]]:
    """Return for each point the predictions of every training row by a head that never saw it.

    Rows of one content share a fold: none is predicted from its own copy.
    """
    targets, objective = np.asarray(task.train.targets), task.objective
    evidence = Evidence(features, targets, objective, len(task.classes), ids=task.train.ids)
    fold = folds(evidence, seed=0)
    found: list[NDArray[Any] | None] = [None] * len(ways.points())
    for held_out in np.unique(fold):
        out, kept = fold == held_out, fold != held_out
        heads = ways.solve(features[kept], targets[kept], weights, ways.points(), loose=True)
        for index, head in enumerate(heads):
            predicted = predict(head, features[out], objective).astype(np.float64)
            whole = found[index]
            if whole is None:
                whole = np.empty((len(features), *predicted.shape[1:]))
                found[index] = whole
            whole[out] = predicted
    return [whole for whole in found if whole is not None]


def head_weights(task: Task, metric: str) -> NDArray[np.float64] | None:
    """Return the class weights of a metric in which every class counts the same."""
    if metric not in WEIGHTED:
        return None
    return class_weights(task.train, task.objective, len(task.classes))


def fit_heads(setting: Setting, ways: Ways, name: str) -> Fitted:
    """Solve a path of heads on train, choose, refit on train and validation for the test.

    Args:
        setting: The trial.
        ways: What to choose from.
        name: Of the choice, see :func:`chosen_head`.
    """
    task, bench = setting.task, setting.base
    train, validation = bench.features("train"), bench.features("validation")
    chosen = chosen_head(task, bench, setting.metric, ways, name)
    started, cpu_started = time.monotonic(), time.process_time()
    final = chosen.head
    if setting.refit:
        weights = head_weights(task, setting.metric)
        final = ways.solve(*_both(setting), weights, [chosen.point])[0]
    encoder = bench.encoder()
    model = NetworkModel(Signature.of(task), Network(encoder, final, task.objective, bench.pair))
    spent = chosen.seconds + time.monotonic() - started
    return Fitted(
        model=model,
        validation=chosen.validation,
        test=lambda: head_predictions(final, bench.features("test").values, task.test, task),
        flop=train.flop + validation.flop,
        seconds=train.seconds + validation.seconds + spent,
        cpu_seconds=chosen.cpu_seconds + time.process_time() - cpu_started,
        peak_bytes=_bytes(train.values) + sum(p.nbytes for p in encoder.parameters()),
        trainable_parameters=final.weight.size + final.bias.size,
        chosen=ways.name(chosen.point),
        notes=[REFITTED] if setting.refit else [],
    )


def _bytes(values: Values) -> int:
    return sum(item.nbytes for item in values) if isinstance(values, list) else values.nbytes


def _both(setting: Setting) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Return features and targets of train and validation together."""
    parts = [
        flat(setting.base.features(part).values, setting.task.parts[part].targets)
        for part in ("train", "validation")
    ]
    return np.concatenate([f for f, _ in parts]), np.concatenate([t for _, t in parts])
