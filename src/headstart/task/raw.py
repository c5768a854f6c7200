"""A table as it was read, before anything is decided about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from headstart.errors import RequestError
from headstart.task.model import Image, Kind, Warning

PART_NAMES = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "development": "validation",
    "eval": "validation",
    "test": "test",
    "testing": "test",
    "tst": "test",
}
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands in a cell whose content could not be read; ``why`` says so."""

    why: str


@dataclass(slots=True)
class Raw:
    """Rows and columns from one source.

    Attributes:
        name: Short name of the source.
        columns: Column name to N cells; cells are plain Python values.
        origins: N places to show a person.
        parts: N part names if the source says which row is in which part.
        split: Where the parts come from, one phrase.
        said: Lines for the user about how the source was read.
        warnings: What was found while reading.
        input, target: Columns that the layout of the source settles (class folders).
        settled: What settles them, one phrase.
        kind: The kind of task that the source settles (a text file is a corpus).
        image: Finds the image a cell names; None for a name that leads nowhere.
    """

    name: str
    columns: dict[str, list[Any]]
    origins: list[str]
    parts: list[str] | None = None
    split: str = ""
    said: list[str] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)
    input: tuple[str, ...] | None = None
    target: str | None = None
    settled: str = ""
    kind: Kind | None = None
    image: Callable[[str], Image | None] | None = None

    def __len__(self) -> int:
        return len(self.origins)


def joined(name: str, tables: Sequence[tuple[str, Raw]], split: str) -> Raw:
    """Return one table out of (part, table) pairs; a column that one lacks is empty there."""
    names: dict[str, None] = {}
    for _, table in tables:
        names.update(dict.fromkeys(table.columns))
    columns: dict[str, list[Any]] = {column: [] for column in names}
    for _, table in tables:
        for column, cells in columns.items():
            cells.extend(table.columns.get(column) or [None] * len(table))
    return Raw(
        name=name,
        columns=columns,
        origins=[origin for _, table in tables for origin in table.origins],
        parts=[part for part, table in tables for _ in range(len(table))],
        split=split,
        said=[line for _, table in tables for line in table.said],
        warnings=[warning for _, table in tables for warning in table.warnings],
        image=tables[0][1].image,
    )


def is_missing(value: object) -> bool:
    """Whether a cell holds no value: None, NaN, NA, blank text or the text ``nan``."""
    if value is None:
        return True
    if isinstance(value, str):
        bare = value.strip()
        return not bare or bare.lower() == "nan"
    if isinstance(value, float):
        return value != value
    return type(value).__name__ in ("NAType", "NaTType")


def plain(value: Any) -> Any:
    """Return a numpy scalar or array as plain Python values; anything else as it is."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    return value


def check_header(names: Sequence[str], where: str) -> None:
    """Refuse a header with the same column twice or without any name.

    Raises:
        RequestError: A name occurs twice, or all are blank.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise RequestError(
                f"the column name '{name}' occurs twice",
                where=where,
                mend="rename one of the two columns",
            )
        seen.add(name)
    if not any(name.strip() for name in names):
        raise RequestError(
            "the header has no column names",
            where=where,
            mend="begin the file with a line such as: text,label",
        )


def shown(value: object, most: int = 60) -> str:
    """Return ``value`` as one short line for a message."""
    text = " ".join(str(value).split())
    return text if len(text) <= most else text[: most - 1] + "…"
