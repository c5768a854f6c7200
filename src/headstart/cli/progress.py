"""Shows how work goes on: bars with time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from headstart.progress import Advance

# Work that is over sooner than this needs no bar.
PATIENCE = 2.0
# Where bars cannot be drawn, long work is told of this often (seconds).
EVERY = 15.0


class _PatientProgress(Progress):
    """A rich Progress that shows only what has lasted longer than :data:`PATIENCE`."""

    def get_renderables(self) -> Iterable[RenderableType]:
        lasting = [task for task in self.tasks if (task.elapsed or 0.0) >= PATIENCE]
        yield self.make_tasks_table(lasting)


class Bars:
    """Progress for a terminal: nested bars with time left, lines above them.

    Use as a context manager, so that the terminal is put right whatever happens.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = _PatientProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._depth = 0

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def bar(self, label: str, total: float) -> Iterator[Advance]:
        """Show ``label`` with a bar of ``total`` units; bars opened inside are indented."""
        shown = f"{'  ' * self._depth}{_escaped(label)}"
        task = self._progress.add_task(shown, total=total)
        self._depth += 1
        try:
            yield lambda units=1.0: self._progress.advance(task, units)
        finally:
            self._depth -= 1
            self._progress.remove_task(task)

    def say(self, line: str) -> None:
        """Print one line above the bars."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class Lines:
    """Progress where bars cannot be drawn: lines, and for long work a line now and then.

    Args:
        write: Takes one line of text.
        clock: Returns seconds; another one makes the tests independent of time.
        bars: False leaves out everything but what is said.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        bars: bool = True,
    ) -> None:
        self._write, self._clock, self._bars = write, clock, bars

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    @contextmanager
    def bar(self, label: str, total: float) -> Iterator[Advance]:
        """Tell of ``label`` every :data:`EVERY` seconds, and at its end if it took that long."""
        started = told = self._clock()
        done = 0.0

        def advance(units: float = 1.0) -> None:
            nonlocal done, told
            done += units
            now = self._clock()
            if self._bars and now - told >= EVERY and done < total:
                told = now
                self._write(f"{label}: {remaining(done, total, now - started)}")

        yield advance
        took = self._clock() - started
        if self._bars and took >= EVERY:
            self._write(f"{label}: done in {_duration(took)}")

    def say(self, line: str) -> None:
        """Write one line."""
        self._write(line)


def watcher(json: bool) -> Bars | Lines:
    """Return the progress that suits stderr: bars on a terminal, lines elsewhere or for JSON."""
    console = Console(stderr=True)
    if console.is_terminal and not json:
        return Bars(console)

    def write(line: str) -> None:
        print(line, file=console.file, flush=True)

    return Lines(write, bars=not json)


def remaining(done: float, total: float, seconds: float) -> str:
    """Return how far work is and how long it will last at its present pace, as a phrase."""
    if done <= 0 or total <= 0:
        return "begun"
    left = seconds * (total - done) / done
    return f"{min(done / total, 1.0):.0%}, about {_duration(left)} left"


def _duration(seconds: float) -> str:
    # Here, and not above: it brings pydantic along, which `headstart --help` can do without.
    from headstart.report.units import duration

    return duration(seconds)


def _escaped(label: str) -> str:
    return label.replace("[", r"\[")
