"""What the closed-form heads share: one pass of features in, a linear head out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.measure.score import score
from headstart.method.adapted import NetworkModel, Signature
from headstart.method.model import Fitted, Hyperparameters, Setting
from headstart.task.model import Objective, Part, Task
from headstart.train.evaluate import Predictions
from headstart.train.linear import LinearHead, predict
from headstart.train.loss import class_weights
from headstart.train.network import Network
from headstart.train.workbench import Values

SolvePath = Callable[
    [NDArray[np.float32], NDArray[Any], NDArray[np.float64] | None], list[LinearHead]
]
REFITTED = "chosen on validation, then fitted again on train and validation together"
WEIGHTED = ("macro_f1", "balanced_accuracy")  # metrics in which every class counts the same


@dataclass(frozen=True)
class Chosen:
    """The head that was best on validation, and which of the path it was."""

    head: LinearHead
    index: int
    validation: Predictions


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


def choose(
    heads: Sequence[LinearHead], values: Values, part: Part, task: Task, metric: str
) -> Chosen:
    """Return the head with the best validation score; among equals the one of least log loss."""
    found = [head_predictions(head, values, part, task) for head in heads]
    merits = []
    for predictions in found:
        main = score(task.objective, task.classes, part.targets, predictions, metric)
        tie = (
            -score(task.objective, task.classes, part.targets, predictions, "log_loss")
            if task.objective is Objective.SINGLE_LABEL
            else 0.0
        )
        merits.append((main, tie))
    index = max(range(len(merits)), key=lambda i: merits[i])
    return Chosen(heads[index], index, found[index])


def fit_heads(setting: Setting, solve: SolvePath, name: Callable[[int], Hyperparameters]) -> Fitted:
    """Solve a path of heads on train, choose on validation, refit on both for the test.

    Args:
        setting: The trial.
        solve: Returns the path from features, targets and class weights.
        name: Names the chosen point of the path.
    """
    task, bench = setting.task, setting.base
    train, validation = bench.features("train"), bench.features("validation")
    started, cpu_started = time.monotonic(), time.process_time()
    weighted = setting.metric in WEIGHTED
    weights = class_weights(task.train, task.objective, len(task.classes)) if weighted else None
    heads = solve(*flat(train.values, task.train.targets), weights)
    chosen = choose(heads, validation.values, task.validation, task, setting.metric)
    final = solve(*_both(setting), weights)[chosen.index] if setting.refit else chosen.head
    encoder = bench.encoder()
    model = NetworkModel(Signature.of(task), Network(encoder, final, task.objective, bench.pair))
    return Fitted(
        model=model,
        validation=chosen.validation,
        test=lambda: head_predictions(final, bench.features("test").values, task.test, task),
        flop=train.flop + validation.flop,
        seconds=train.seconds + validation.seconds + time.monotonic() - started,
        cpu_seconds=time.process_time() - cpu_started,
        peak_bytes=_bytes(train.values) + sum(p.nbytes for p in encoder.parameters()),
        trainable_parameters=final.weight.size + final.bias.size,
        chosen=name(chosen.index),
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
