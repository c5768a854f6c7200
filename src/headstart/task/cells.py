"""Cells of a row that is read: text, or the reason why the row cannot be used."""

from __future__ import annotations

from typing import Any

from headstart.task.raw import Unreadable, is_missing


class BadRowError(Exception):
    """A row that cannot be used: a stable code and what is wrong with it."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code, self.what = code, what


def cell_text(cell: Any) -> str:
    """Return a cell as text.

    Raises:
        BadRowError: It is empty, or no text.
    """
    if isinstance(cell, str):
        if not cell.strip():
            raise BadRowError("empty-inputs", "the input is empty")
        # half a surrogate pair (from JSON) is no character, and tokenizers fail on it
        return cell if cell.isprintable() else cell.encode("utf-8", "replace").decode("utf-8")
    if is_missing(cell):
        raise BadRowError("empty-inputs", "the input is empty")
    if isinstance(cell, Unreadable):
        raise BadRowError("unreadable-files", cell.why)
    if isinstance(cell, bytes | dict | list | tuple) or hasattr(cell, "getexif"):
        raise BadRowError("unreadable-inputs", f"the input is {type(cell).__name__}, not text")
    return str(cell)
