"""log.txt: what was said, with the time, whoever watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from headstart.progress import Advance, Progress


class Logged:
    """Passes progress on, and appends every line said to a file.

    Args:
        inner: Who watches.
        path: The log.
    """

    def __init__(self, inner: Progress, path: Path) -> None:
        self.inner, self.path = inner, path

    @contextmanager
    def bar(self, label: str, total: float) -> Iterator[Advance]:
        """Show a bar; the log gets its beginning."""
        self._append(f"begin {label}")
        with self.inner.bar(label, total) as advance:
            yield advance

    def say(self, line: str) -> None:
        """Show a line and keep it."""
        self.inner.say(line)
        self._append(line)

    def _append(self, line: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        # A full disk is told of by what matters more: the next trial that is written.
        with suppress(OSError), self.path.open("a", encoding="utf-8", errors="replace") as log:
            log.write(f"{stamp} {line}\n")
