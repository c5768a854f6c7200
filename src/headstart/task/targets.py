"""Finds the target column: by its name first, else by what it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headstart.errors import RequestError
from headstart.task.columns import Column
from headstart.task.model import Kind

TARGET_NAMES = (
    "label", "labels", "target", "targets", "class", "category", "intent", "sentiment",
    "ner_tags", "tags", "pos_tags", "topic", "emotion", "genre", "gold_label", "answer_label",
    "label_text", "class_name", "species", "classes", "categories", "y", "score", "rating",
    "stars", "fine_label", "coarse_label", "similarity_score", "condition_label",
)  # fmt: skip
# Columns that say where a row comes from or what it is called: never a target unless named.
ABOUT_ROWS = re.compile(
    r"^(id|ids|idx|index|uuid|guid|row|nr|no|key|unnamed.*|.*[_ ]?id|level_0|domain|lang|language|"
    r"locale|source|src|split|part|fold|subset|partition|dataset|origin|url|link|date|time|"
    r"timestamp|created.*|updated.*|author|user|username|file|filename|file_name|path|title)$",
    re.IGNORECASE,
)


def find_target(
    columns: Mapping[str, Column],
    rows: int,
    input: tuple[str, ...] | None,
    given: str | None,
    kind: Kind | None,
    settled: str,
) -> tuple[str, str]:
    """Return the target column and the line that says why.

    Args:
        columns: Facts of all columns.
        rows: Number of rows of the table.
        input: The input columns, where the user named them.
        given: The target, where user or layout settle it.
        kind: The kind of task, where the user gave it.
        settled: Who settled ``given``.

    Raises:
        RequestError: No column fits, or several do equally; they are listed.
    """
    if given is not None:
        return given, _line(columns[given], rows, settled)
    open_to = {name: column for name, column in columns.items() if name not in (input or ())}
    by_name = {name.lower().strip(): name for name in open_to if open_to[name].shape != "empty"}
    for known in TARGET_NAMES:
        if known in by_name and not _is_input_like(columns[by_name[known]], rows):
            name = by_name[known]
            return name, _line(columns[name], rows, "by its name")
    candidates = _candidates(open_to, rows, kind, settled=bool(input))
    if len(candidates) == 1:
        return candidates[0].name, _line(candidates[0], rows, "the only column that fits")
    raise _undecided(candidates, columns, rows)


def _is_input_like(column: Column, rows: int) -> bool:
    return column.shape == "image" or (column.shape == "text" and column.length > 200)


def _candidates(
    columns: Mapping[str, Column], rows: int, kind: Kind | None, settled: bool
) -> list[Column]:
    """Return the columns that could be a target, the longest text left to be the input."""
    texts = [column for column in columns.values() if column.shape == "text"]
    images = any(column.shape == "image" for column in columns.values())
    longest = max(texts, key=lambda column: (column.length, column.distinct), default=None)
    spared = None if settled or images else longest
    return [
        column
        for name, column in columns.items()
        if column is not spared and not ABOUT_ROWS.match(name) and _could_be(column, rows, kind)
    ]


def _could_be(column: Column, rows: int, kind: Kind | None) -> bool:
    if column.distinct < 2 or column.rows < 0.5 * rows:
        return False
    if column.shape == "number":
        return kind in (None, Kind.REGRESSION) or column.distinct * 2 <= rows
    if column.shape == "list":
        return kind is not Kind.REGRESSION
    few = column.distinct * 2 <= max(rows, 4) and column.length <= 100
    return column.shape == "text" and few and kind is not Kind.REGRESSION


def _line(column: Column, rows: int, why: str) -> str:
    word = {"text": "strings", "number": "numbers", "list": "lists"}.get(column.shape, "values")
    found = f"{column.distinct:,} distinct {word} in {rows:,} rows"
    return f"target: column '{column.name}' ({found}), {why}"


def _undecided(candidates: list[Column], columns: Mapping[str, Column], rows: int) -> RequestError:
    if candidates:
        listed = ", ".join(f"'{c.name}' ({c.distinct:,} distinct)" for c in candidates[:12])
        return RequestError(
            f"{len(candidates)} columns could be the target: {listed}",
            where="target",
            mend=f"name one, e.g. --target {candidates[0].name}",
        )
    listed = ", ".join(
        f"'{c.name}' ({c.shape}, {c.distinct:,} distinct)" for c in list(columns.values())[:12]
    )
    return RequestError(
        f"no column looks like a target among {listed} in {rows:,} rows",
        where="target",
        mend="name it with --target (a classification needs two or more labels that recur), or "
        "give --task language-modeling to learn the texts themselves",
    )
