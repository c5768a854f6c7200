"""Tells kind, input and target of a table, and says why; what the user names is obeyed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.errors import RequestError, nearest
from headstart.task.columns import Column, survey
from headstart.task.dialogues import find_dialogues, holds_dialogues, reads_as_dialogues
from headstart.task.inputs import find_documents, find_input, holds_documents, unused_line
from headstart.task.labels import SEPARATORS, find_separator
from headstart.task.model import Kind, Modality, Objective
from headstart.task.raw import Raw, is_missing
from headstart.task.targets import find_target

GENERATIVE = (Kind.LANGUAGE_MODELING, Kind.INSTRUCTION)
_MOST_INTEGER_CLASSES = 20
_CLASS_NAMES = ("label", "labels", "class", "target", "y", "digit", "category", "fine_label")


@dataclass(frozen=True, slots=True)
class Detection:
    """What is to be learnt from a table.

    Attributes:
        kind, objective, modality, input, target: As in :class:`headstart.task.model.Task`.
        separator: What separates several labels in one cell; None if a cell is one label or a
            list.
        integral: Labels are whole numbers ("1.0" and "1" are the same class).
        lines: What was detected and why, for people.
    """

    kind: Kind
    objective: Objective
    modality: Modality
    input: tuple[str, ...]
    target: str
    separator: str | None
    integral: bool
    lines: tuple[str, ...]


def detect(
    raw: Raw,
    input: Sequence[str] | None = None,
    target: str | None = None,
    kind: Kind | None = None,
) -> Detection:
    """Return what is to be learnt from ``raw``.

    Args:
        raw: The table.
        input: Names of the input columns, if the user gave them.
        target: Name of the target column, if the user gave it.
        kind: The kind of task, if the user gave it.

    Raises:
        RequestError: A named column is missing, or nothing fits; names the nearest or candidates.
    """
    kind = kind or raw.kind
    if kind in GENERATIVE or (kind is None and target is None and reads_as_dialogues(raw)):
        return _generative(raw, input, target, kind)
    columns = survey(raw)
    if kind is None and target is None and raw.target is None and holds_documents(columns):
        alone = "documents, and nothing beside them to be learnt"
        return _generative(raw, input, target, Kind.LANGUAGE_MODELING, alone)
    named = _names(raw, input, target)
    by = "as given" if target else raw.settled
    goal, why_target = find_target(columns, len(raw), named, target or raw.target, kind, by)
    by = "as given" if named else raw.settled
    sources, why_input = find_input(columns, named or raw.input, goal, kind, by)
    modality = _modality([columns[name] for name in sources])
    settled, objective, separator, why_kind = _kind(raw, columns[goal], sources, kind, columns)
    if modality is Modality.IMAGE and settled in (Kind.TEXT_PAIR, Kind.TOKEN_CLASSIFICATION):
        raise RequestError(
            f"{settled.value} needs text, and column '{sources[0]}' holds images",
            mend="leave out --task, or name another column with --input",
        )
    lines = (*raw.said, why_input, why_target, why_kind, *unused_line(columns, sources, goal))
    return Detection(
        kind=settled,
        objective=objective,
        modality=modality,
        input=sources,
        target=goal,
        separator=separator,
        integral=columns[goal].integral and objective is Objective.SINGLE_LABEL,
        lines=lines,
    )


def _generative(
    raw: Raw,
    input: Sequence[str] | None,
    target: str | None,
    kind: Kind | None,
    found: str | None = None,
) -> Detection:
    """Return what is to be learnt from documents or dialogues.

    Args:
        raw, input, target, kind: As of :func:`detect`.
        found: Why it is of this kind, where nobody asked for it.
    """
    named = _names(raw, input, target)
    if kind is Kind.LANGUAGE_MODELING:
        columns = survey(raw)
        source, why = find_documents(columns, named or raw.input)
        sources: tuple[str, ...] = (source,)
        goal = ""
        lines: tuple[str, ...] = (f"input: column '{source}', {why}",)
        lines += unused_line(columns, sources, goal)
        if not named and holds_dialogues(raw):
            lines += ("it holds prompts and answers, too: --task instruction learns to answer",)
    else:
        sources, goal, why = find_dialogues(raw, named, target)
        lines = (f"dialogues: {why}", *unused_line(raw.columns, sources, goal))
    settled = kind or Kind.INSTRUCTION
    asked = "as asked with --task" if raw.kind is None and kind else raw.settled or why
    reason = found or asked
    lines = (*raw.said, *lines, f"task: {settled.value}, {reason}")
    return Detection(settled, Objective.TEXT, Modality.TEXT, sources, goal, None, False, lines)


def _names(raw: Raw, input: Sequence[str] | None, target: str | None) -> tuple[str, ...] | None:
    """Check the columns that the user named; return the input columns."""
    named = (input,) if isinstance(input, str) else tuple(input or ())
    for name, option in [*((name, "--input") for name in named), (target, "--target")]:
        if name is not None and name not in raw.columns:
            raise RequestError(
                f"no column '{name}' in the data", where=option, mend=nearest(name, raw.columns)
            )
    if target in named:
        raise RequestError(
            f"column '{target}' is named as both input and target",
            where="--input, --target",
            mend="name two different columns",
        )
    if len(named) > 2 or len(set(named)) < len(named):
        raise RequestError(
            f"{len(named)} input columns were named: {', '.join(named)}",
            where="--input",
            mend="name one column, or two different ones for a text pair",
        )
    return named or None


def _modality(inputs: Sequence[Column]) -> Modality:
    images = [column for column in inputs if column.shape == "image"]
    if images and len(inputs) > 1:
        raise RequestError(
            "an input of two columns must be two texts, and column "
            f"'{images[0].name}' holds images",
            where="--input",
            mend="name one column",
        )
    return Modality.IMAGE if images else Modality.TEXT


def _kind(
    raw: Raw, goal: Column, sources: tuple[str, ...], kind: Kind | None, columns: dict[str, Column]
) -> tuple[Kind, Objective, str | None, str]:
    """Return kind, objective, separator and the line that says why."""
    if kind is Kind.TOKEN_CLASSIFICATION or (
        kind is None and goal.shape == "list" and columns[sources[0]].shape == "list"
    ):
        return (
            Kind.TOKEN_CLASSIFICATION,
            Objective.TAGS,
            None,
            f"task: token-classification, {_asked(kind, 'a list of words and as many tags a row')}",
        )
    if kind is Kind.TEXT_PAIR and len(sources) != 2:
        raise RequestError(
            "a text pair needs two input columns",
            where="--task text-pair",
            mend="name both: --input premise --input hypothesis",
        )
    objective, separator, why = _objective(raw, goal, kind)
    if len(sources) == 2:
        settled = Kind.TEXT_PAIR
    else:
        settled = Kind.REGRESSION if objective is Objective.REAL else Kind.CLASSIFICATION
    return settled, objective, separator, f"task: {settled.value} ({objective.value}), {why}"


def _asked(kind: Kind | None, why: str) -> str:
    return "as asked with --task" if kind else why


def _objective(raw: Raw, goal: Column, kind: Kind | None) -> tuple[Objective, str | None, str]:
    if kind is Kind.REGRESSION:
        return Objective.REAL, None, "as asked with --task"
    if goal.shape == "list":
        return Objective.MULTI_LABEL, None, "each target is a list of labels"
    if goal.shape == "number":
        return _of_numbers(goal, kind)
    cells = [str(cell) for cell in raw.columns[goal.name] if not is_missing(cell)]
    separator = find_separator(cells, asked=kind is Kind.CLASSIFICATION)
    if separator:
        why = f"each target names labels separated by {SEPARATORS[separator]}"
        return Objective.MULTI_LABEL, separator, why
    return Objective.SINGLE_LABEL, None, f"{goal.distinct:,} distinct labels"


def _of_numbers(goal: Column, kind: Kind | None) -> tuple[Objective, str | None, str]:
    """Return classification for few whole numbers, else regression."""
    if kind is Kind.CLASSIFICATION:
        return Objective.SINGLE_LABEL, None, "as asked with --task"
    named = goal.name.lower() in _CLASS_NAMES
    most = goal.rows // 2 if named else _MOST_INTEGER_CLASSES
    if goal.integral and goal.distinct <= max(most, 2) and goal.distinct * 2 <= goal.rows:
        called = f" in a column called '{goal.name}'" if named else ""
        return (
            Objective.SINGLE_LABEL,
            None,
            f"the labels look like numbers, but are {goal.distinct:,} whole ones{called}: taken as "
            "classes (--task regression makes them numbers)",
        )
    return (
        Objective.REAL,
        None,
        f"the target holds {goal.distinct:,} distinct numbers (--task classification makes them "
        "classes)",
    )
