"""Progress: nothing for short work, time left for long work, and lines come through."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from headstart.cli.progress import Bars, Lines, remaining, watcher


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lines(bars: bool = True) -> tuple[Lines, Clock, list[str]]:
    written: list[str] = []
    clock = Clock()
    return Lines(written.append, clock=clock, bars=bars), clock, written


def test_short_work_writes_no_line() -> None:
    progress, clock, written = lines()
    with progress.bar("reading", 10) as advance:
        clock.now += 5
        advance(10)
    assert written == []


def test_long_work_tells_how_long_it_will_last_and_took() -> None:
    progress, clock, written = lines()
    with progress.bar("training", 100) as advance:
        clock.now += 20
        advance(25)
        clock.now += 1
        advance()
        clock.now += 59
        advance(74)
    assert written == ["training: 25%, about 1 min left", "training: done in 1 min 20 s"]


def test_bars_nest_and_each_tells_of_itself() -> None:
    progress, clock, written = lines()
    with progress.bar("study", 2) as outer, progress.bar("trial", 4) as inner:
        clock.now += 30
        inner(2)
        outer()
        clock.now += 1
    assert [line.split(":")[0] for line in written] == ["trial", "study", "trial", "study"]


def test_without_bars_only_what_is_said_is_written() -> None:
    progress, clock, written = lines(bars=False)
    with progress.bar("training", 2) as advance:
        clock.now += 100
        advance()
        progress.say("rate lowered")
    assert written == ["rate lowered"]


def drawn(patience: float, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("headstart.cli.progress.PATIENCE", patience)
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, color_system=None)
    with Bars(console) as progress, progress.bar("study [2]", 2) as outer:
        outer()
        with progress.bar("trial", 4) as inner:
            inner(1)
            progress._progress.refresh()
            progress.say("a line [with] brackets")
    return screen.getvalue()


def test_a_terminal_shows_nested_bars_with_share_done(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = drawn(0.0, monkeypatch)
    assert "study [2]" in shown
    assert "  trial" in shown
    assert "50%" in shown
    assert "25%" in shown
    assert "a line [with] brackets" in shown


def test_a_terminal_shows_no_bar_before_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = drawn(1e9, monkeypatch)
    assert "trial" not in shown
    assert "a line [with] brackets" in shown


def test_a_failure_inside_a_bar_passes_through_and_removes_the_bar() -> None:
    console = Console(file=io.StringIO(), force_terminal=True)
    progress = Bars(console)
    with pytest.raises(KeyboardInterrupt), progress, progress.bar("trial", 1):
        raise KeyboardInterrupt
    assert progress._progress.tasks == []


def test_bars_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert isinstance(watcher(json=False), Lines)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(watcher(json=False), Bars)
    assert isinstance(watcher(json=True), Lines)


def test_time_left_is_not_guessed_before_anything_is_done() -> None:
    assert remaining(0, 10, 5) == "begun"
    assert remaining(12, 10, 5).startswith("100%")
