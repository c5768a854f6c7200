"""Turns what goes wrong into a message a person can act on, and an exit code."""

from __future__ import annotations

import shlex
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from headstart.cli import quiet
from headstart.errors import HeadstartError

INTERRUPTED = 130
_OUT = "headstart.out"
_RESUMABLE = "headstart.resumable"


def remember(context: typer.Context, out: Path | None, resumable: bool = False) -> None:
    """Note where this command writes, and whether ``--resume`` can take up its work again."""
    context.meta[_OUT] = out
    context.meta[_RESUMABLE] = resumable


def command_line() -> str:
    """Return the command as the user typed it, quoted for a shell."""
    return shlex.join(["headstart", *sys.argv[1:]])


class GuardedGroup(TyperGroup):
    """A group of commands whose failures are told in words, never as a traceback.

    Exit codes: 0 done, 1 the work failed, 2 the request was wrong, 130 stopped by Ctrl-C.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command; turn every failure into a message on stderr and an exit code."""
        try:
            return super().invoke(ctx)
        except HeadstartError as error:
            _tell(error)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as stop:
            _say(Text(_stopped(bool(ctx.meta.get(_RESUMABLE)))))
            raise typer.Exit(INTERRUPTED) from stop
        except Exception as error:
            if _is_ours_to_leave(error) or quiet.wanted():
                raise
            _apologise(error, ctx.meta.get(_OUT))
            raise typer.Exit(1) from error


def _is_ours_to_leave(error: Exception) -> bool:
    # Usage errors (they alone have format_message) and the signals that end a command are
    # typer's to show; a closed pipe (`headstart … | head`) is nobody's fault.
    ends = isinstance(error, typer.Exit | typer.Abort | BrokenPipeError)
    return ends or hasattr(error, "format_message")


def _tell(error: HeadstartError) -> None:
    message = Text()
    message.append("error: ", style="bold red")
    message.append(error.what)
    for name, text in (("where", error.where), ("mend", error.mend)):
        if text:
            message.append(f"\n{name + ':':>7}", style="bold")
            message.append(f" {text}")
    _say(message)


def _stopped(resumable: bool) -> str:
    if not resumable:
        return "stopped; nothing half-written is left behind"
    line = command_line()
    again = line if "--resume" in sys.argv else f"{line} --resume"
    return f"stopped; what is finished is kept. Go on with:\n  {again}"


def _apologise(error: Exception, out: Path | None) -> None:
    place = _write_traceback(error, out)
    said = str(error).splitlines()
    what = type(error).__name__ + (f" ({said[0][:200]})" if said else "")
    told = f"; the details are in {place}" if place else ""
    _say(Text(f"sorry, headstart failed in a way it should not: {what}{told}"))


def _write_traceback(error: Exception, out: Path | None) -> Path | None:
    text = "".join(traceback.format_exception(error))
    report = f"\n{command_line()}\n{text}"
    try:
        if out is not None and out.is_dir():
            place = out / "log.txt"
        else:
            handle, name = tempfile.mkstemp(prefix="headstart-", suffix=".log")
            open(handle, "w").close()  # noqa: PTH123 (a descriptor, not a path)
            place = Path(name)
        with place.open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(report)
    except OSError:
        return None
    return place


def _say(message: Text) -> None:
    Console(stderr=True, highlight=False).print(message, soft_wrap=True)
