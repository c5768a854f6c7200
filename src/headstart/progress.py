"""How long work tells of its progress, without knowing who watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    """Called with the number of units done since the last call."""

    def __call__(self, units: float = 1.0) -> None:
        """Tell that ``units`` more are done."""
        ...


class Progress(Protocol):
    """What a room may ask of whoever watches: a bar for a stretch of work, and a line."""

    @contextmanager
    def bar(self, label: str, total: float) -> Iterator[Advance]:
        """Show ``label`` with a bar of ``total`` units while the block runs."""
        ...

    def say(self, line: str) -> None:
        """Show one line of plain text (also goes to log.txt)."""
        ...


class Silent:
    """The watcher that shows nothing; the default everywhere."""

    @contextmanager
    def bar(self, label: str, total: float) -> Iterator[Advance]:
        """Run the block; show nothing."""
        yield lambda units=1.0: None

    def say(self, line: str) -> None:
        """Say nothing."""
