"""Turns the targets of rows into class indices, label matrices, numbers or tag indices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from headstart.errors import RequestError
from headstart.task.model import Objective
from headstart.task.raw import shown
from headstart.task.rows import Target

_FEW_CLASSES = 10  # up to here too few rows are the better word for it
_MOST_CELLS = 500_000_000  # a multi-label matrix beyond 2 GB of float32


def class_names(targets: Sequence[Target], objective: Objective, where: str) -> tuple[str, ...]:
    """Return the class (or tag) names: numbers in their order, else by alphabet.

    Raises:
        RequestError: There is only one class, or nearly as many as rows.
    """
    if objective is Objective.TEXT:
        return ()
    if objective is Objective.REAL:
        if len(set(targets)) < 2:
            raise RequestError(
                f"every target is {targets[0]}: there is nothing to learn",
                where=where,
                mend="name another column with --target",
            )
        return ()
    counts = Counter(label for target in targets for label in labels_of(target))
    _refuse_one_class(counts, where)
    if objective is not Objective.TAGS:
        _refuse_identifiers(counts, len(targets), where)
    return tuple(sorted(counts, key=_order))


def labels_of(target: Target) -> tuple[str, ...]:
    """Return the labels of one row: one, several, or one a word."""
    return target if isinstance(target, tuple) else (str(target),)


def _order(label: str) -> tuple[bool, int, str]:
    whole = label.lstrip("-").isdecimal() and len(label) < 19
    return not whole, int(label) if whole else 0, label


def _refuse_one_class(counts: Counter[str], where: str) -> None:
    if len(counts) < 2:
        only = f"only one class, '{shown(next(iter(counts)))}'" if counts else "no label at all"
        raise RequestError(
            f"{only} in all rows: there is nothing to tell apart",
            where=where,
            mend="give data of two or more classes, or name another column with --target",
        )


def _refuse_identifiers(counts: Counter[str], rows: int, where: str) -> None:
    if len(counts) > _FEW_CLASSES and counts.total() < 2 * len(counts):
        raise RequestError(
            f"{len(counts):,} classes in {rows:,} rows, fewer than two rows a class: this looks "
            f"like an identifier or free text (e.g. '{shown(next(iter(counts)), 40)}')",
            where=where,
            mend="name the column with the labels with --target; for numbers to be predicted add "
            "--task regression",
        )


def encoder(objective: Objective, classes: Sequence[str]) -> Callable[[Sequence[Target]], Any]:
    """Return what turns targets into the array that :class:`Part` documents."""
    index = {name: at for at, name in enumerate(classes)}
    if objective in (Objective.REAL, Objective.TEXT):
        return lambda targets: np.asarray(targets, dtype=np.float64)
    if objective is Objective.SINGLE_LABEL:
        return lambda targets: np.asarray([index[str(t)] for t in targets], dtype=np.int64)
    if objective is Objective.TAGS:
        return lambda targets: [
            np.asarray([index[tag] for tag in labels_of(t)], dtype=np.int64) for t in targets
        ]
    return lambda targets: _matrix(targets, index)


def _matrix(targets: Sequence[Target], index: dict[str, int]) -> Any:
    if len(targets) * len(index) > _MOST_CELLS:
        raise RequestError(
            f"{len(index):,} labels for {len(targets):,} rows are too many for multi-label",
            mend="keep the labels that recur often",
        )
    matrix = np.zeros((len(targets), len(index)), dtype=np.float32)  # (N, C)
    for row, target in enumerate(targets):
        matrix[row, [index[label] for label in labels_of(target)]] = 1.0
    return matrix
