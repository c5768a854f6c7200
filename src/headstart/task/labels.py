"""Tells whether the cells of a target name several labels each, and how they are separated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

SEPARATORS = {"|": "bars", ";": "semicolons", ",": "commas", " ": "spaces"}


def atoms(cell: str, separator: str | None) -> tuple[str, ...]:
    """Return the labels in one cell, each once, in order."""
    if separator is None:
        return (cell.strip(),)
    return tuple(dict.fromkeys(part for raw in cell.split(separator) if (part := raw.strip())))


def find_separator(cells: Sequence[str], asked: bool = False) -> str | None:
    """Return what separates the labels of a multi-label target, or None for single labels.

    Cells name several labels if splitting them leaves fewer different labels than there were
    different cells, and these labels recur. Commas and spaces occur inside names too ("Rock,
    Pop", "credit card"), so there nearly every label must also stand alone somewhere.

    Args:
        cells: The target's cells.
        asked: The user asked for a classification by name: be readier to split at spaces.
    """
    whole = {cell.strip() for cell in cells}
    for separator in SEPARATORS:
        if _separates(cells, whole, separator, asked):
            return separator
    return None


def _separates(cells: Sequence[str], whole: set[str], separator: str, asked: bool) -> bool:
    split = [atoms(cell, separator) for cell in cells if separator in cell.strip()]
    split = [labels for labels in split if len(labels) > 1]
    if len(split) < 0.02 * len(cells) or len(split) < 2:
        return False
    used = Counter(label for labels in split for label in labels)
    alone = {cell for cell in whole if separator not in cell}
    distinct = len(used.keys() | alone)
    if distinct >= len(whole) + (separator in "|;") or len(cells) < 2 * distinct:
        return False
    if separator in "|;":
        return True
    known = sum(count for label, count in used.items() if label in alone)
    return known >= (0.7 if asked else 0.9) * sum(used.values())
