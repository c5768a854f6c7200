"""What the closed-form heads share: one pass of features in, a linear head out."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.measure.score import score
from headstart.method.adapted import NetworkModel, Signature
from headstart.method.climb import Line, Merit, Point, climbed, told_apart
from headstart.method.model import Fitted, Hyperparameters, Setting
from headstart.rank.folds import folds
from headstart.rank.score import Evidence
from headstart.task.model import Objective, Part, Task
from headstart.train.evaluate import Predictions
from headstart.train.linear import LinearHead, held_out, mean_head, predict
from headstart.train.loss import class_weights
from headstart.train.network import Network
from headstart.train.workbench import Values, Workbench

REFITTED = "chosen on held-out rows, then fitted again on train and validation together"
MOST_FOLDED = 20_000  # training rows; with more, validation alone tells settings apart
WEIGHTED = ("macro_f1", "balanced_accuracy")  # metrics in which every class counts the same


class Ways(ABC):
    """The settings of a closed-form head: what there is to choose from."""

    @abstractmethod
    def name(self, points: tuple[Point, ...]) -> Hyperparameters:
        """Return settings whose heads' mean is taken as hyperparameters."""

    @abstractmethod
    def solve(
        self,
        features: NDArray[np.float32],
        targets: NDArray[Any],
        weights: NDArray[np.float64] | None,
        point: Point,
        start: LinearHead | None = None,
    ) -> LinearHead:
        """Return the head on raw features of one setting.

        Args:
            features: (N, D).
            targets: As in :class:`~headstart.task.model.Part`, a row each.
            weights: (C,) of the classes, or None.
            point: The setting.
            start: A head that is near already.
        """

    @abstractmethod
    def lines(
        self,
        features: NDArray[np.float32],
        targets: NDArray[Any],
        weights: NDArray[np.float64] | None,
        fold: NDArray[np.int64],
    ) -> Iterable[Line]:
        """Return the settings in one or several orders.

        Args:
            features, targets, weights: As in :meth:`solve`.
            fold: (N,) the fold, from 0 on, in which a row is held out; -1 for never.
        """


@dataclass(frozen=True)
class Chosen:
    """The best settings, and their heads fitted on train.

    Attributes:
        points: One setting, or the best of each line where they cannot be told apart.
        heads: A head on raw features each; their mean is the head.
        validation: What it predicts on the validation rows, which it has not learnt.
        seconds, cpu_seconds: What choosing took.
    """

    points: tuple[Point, ...]
    heads: tuple[LinearHead, ...]
    validation: Predictions
    seconds: float
    cpu_seconds: float

    @property
    def head(self) -> LinearHead:
        """The mean of the heads."""
        return mean_head(self.heads)


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
    """Choose by what each fold of train and validation together says when held out.

    A validation part of a few hundred rows alone mistakes the best strength by a point or two.
    """
    started, cpu_started = time.monotonic(), time.process_time()
    values, weights = bench.features("train").values, head_weights(task, metric)
    train, held = (_flat_part(task, bench, part) for part in ("train", "validation"))
    features = np.concatenate([train[0], held[0]])
    targets = np.concatenate([train[1], held[1]])
    fold = _folds(task, targets, len(held[1]), words=isinstance(values, list))

    def merit(heads: list[LinearHead]) -> Merit:
        if isinstance(values, list):  # one fold: words are judged as the sentences they make
            found = head_predictions(
                heads[0], bench.features("validation").values, task.validation, task
            )
            return _merit(task, task.validation.targets, found, metric)
        told = held_out(heads, features, fold, task.objective).astype(np.float64)
        return _merit(task, targets[fold >= 0], told, metric)

    rows = int((fold >= 0).sum())
    lines = ways.lines(features, targets, weights, fold)
    found = [climbed(line, merit, rows) for line in lines]
    best = max(one[0] for one in found)
    kept = [one for one in found if not told_apart(best, one[0], rows)]
    solved = tuple(ways.solve(*train, weights, point, mean_head(near)) for _, point, near in kept)
    return Chosen(
        tuple(point for _, point, _ in kept),
        solved,
        head_predictions(
            mean_head(solved), bench.features("validation").values, task.validation, task
        ),
        time.monotonic() - started,
        time.process_time() - cpu_started,
    )


def _folds(task: Task, targets: NDArray[Any], held: int, *, words: bool) -> NDArray[np.int64]:
    """Return the fold (N,) of each row, or word, of train and the ``held`` ones of validation.

    Rows of one content share a fold: none is predicted from its own copy. Where there are many
    rows, validation alone is held out.
    """
    ids = [*task.train.ids, *task.validation.ids]
    if words or len(set(ids)) < 2 or len(ids) > MOST_FOLDED:
        return np.repeat([-1, 0], [len(targets) - held, held])
    nothing = np.zeros((len(ids), 1), dtype=np.float32)  # folds do not look at features
    evidence = Evidence(nothing, targets, task.objective, len(task.classes), ids=tuple(ids))
    return folds(evidence, seed=0)


def _merit(task: Task, targets: Any, found: Predictions, metric: str) -> Merit:
    """Return the score, and what settles ties between equal scores."""
    main = score(task.objective, task.classes, targets, found, metric)
    if task.objective is not Objective.SINGLE_LABEL:
        return main, 0.0
    return main, -score(task.objective, task.classes, targets, found, "log_loss")


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
        both = _both(task, bench)
        settings = zip(chosen.points, chosen.heads, strict=True)
        final = mean_head([ways.solve(*both, weights, point, head) for point, head in settings])
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
        chosen=ways.name(chosen.points),
        notes=[REFITTED] if setting.refit else [],
    )


def _bytes(values: Values) -> int:
    return sum(item.nbytes for item in values) if isinstance(values, list) else values.nbytes


def _both(task: Task, bench: Workbench) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Return features and targets of train and validation together."""
    parts = [_flat_part(task, bench, part) for part in ("train", "validation")]
    return np.concatenate([f for f, _ in parts]), np.concatenate([t for _, t in parts])


def _flat_part(task: Task, bench: Workbench, part: str) -> tuple[NDArray[np.float32], NDArray[Any]]:
    return flat(bench.features(part).values, task.parts[part].targets)
