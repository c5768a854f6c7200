"""Facts about the columns of a table, from which kind, input and target are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from headstart.task.model import Image
from headstart.task.raw import IMAGE_SUFFIXES, Raw, is_missing

Shape = Literal["text", "number", "list", "image", "other", "empty"]
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF", b"II*\x00", b"MM\x00*")


@dataclass(frozen=True, slots=True)
class Column:
    """What is known of one column.

    Attributes:
        name: Its name.
        shape: What most of its cells are.
        rows: Cells that are not missing.
        distinct: Different values among them (0 for images).
        integral: All are whole numbers (or text that reads so).
        length: Mean number of characters of text cells.
        spaced: Share of text cells with a space in them.
    """

    name: str
    shape: Shape
    rows: int
    distinct: int
    integral: bool = False
    length: float = 0.0
    spaced: float = 0.0


def survey(raw: Raw) -> dict[str, Column]:
    """Return the facts of every column of ``raw``."""
    return {name: _facts(name, cells) for name, cells in raw.columns.items()}


def number(value: Any) -> float | None:
    """Return the finite number that a cell is or reads as, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and "_" in value:
        return None  # float("1_000") is a number to Python only
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if abs(read) != float("inf") and read == read else None


def is_image(value: Any) -> bool:
    """Whether a cell is, holds or names an image."""
    if isinstance(value, str):
        return len(value) < 1024 and PurePosixPath(value).suffix.lower() in IMAGE_SUFFIXES
    if isinstance(value, bytes):
        return value.startswith(_MAGIC)
    if isinstance(value, dict):
        return bool(value) and set(value) <= {"bytes", "path"}
    return isinstance(value, Image) or hasattr(value, "getexif")  # a Pillow image


def _facts(name: str, cells: Sequence[Any]) -> Column:
    present = [cell for cell in cells if not is_missing(cell)]
    if not present:
        return Column(name, "empty", 0, 0)
    shape = _shape(present)
    if shape == "image":
        return Column(name, shape, len(present), 0)
    distinct = len({_hashable(cell) for cell in present})
    if shape == "number":
        whole = all((read := number(cell)) is not None and read.is_integer() for cell in present)
        return Column(name, shape, len(present), distinct, integral=whole)
    texts = [cell for cell in present if isinstance(cell, str)]
    count = max(1, len(texts))
    return Column(
        name,
        shape,
        len(present),
        distinct,
        length=sum(map(len, texts)) / count,
        spaced=sum(" " in text.strip() for text in texts) / count,
    )


def _shape(present: Sequence[Any]) -> Shape:
    """Return the shape that at least 95% of the cells have; text takes what is mixed."""
    enough = 0.95 * len(present)
    if sum(map(is_image, present)) >= enough:
        return "image"
    if sum(number(cell) is not None for cell in present) >= enough:
        return "number"
    if sum(isinstance(cell, list | tuple) for cell in present) >= enough:
        return "list"
    return (
        "text"
        if sum(isinstance(c, str | bool) for c in present) >= 0.5 * len(present)
        else ("other")
    )


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else str(value)
