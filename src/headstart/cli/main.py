"""The command ``headstart``: what can be typed, and the way in."""

from __future__ import annotations

import io
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

import headstart
from headstart.cli import adapt, bases, hub, model, quiet
from headstart.cli.faults import GuardedGroup
from headstart.cli.profile import profile

app = typer.Typer(
    name="headstart",
    cls=GuardedGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"headstart {headstart.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            metavar="",
            callback=_show_version,
            is_eager=True,
            help="Show the version and end.",
        ),
    ] = False,
) -> None:
    """Which pre-trained model to start from, how to adapt it, and was it worth it: measured.

    Try it without data of your own, and without a network: [bold]headstart demo[/bold]
    """
    quiet.hush()


app.command()(adapt.demo)
app.command()(adapt.adapt)
app.command()(model.predict)
app.command()(model.export)
app.command()(adapt.report)
app.command()(profile)
app.add_typer(bases.app, name="bases")
app.add_typer(hub.app, name="hub")


def run() -> None:
    """Run the command line; end the process with its exit code."""
    # A scheduler's polite "end now" deserves the same clean stop as Ctrl-C.
    signal.signal(signal.SIGTERM, _stop)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character must not make a finished study fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()


def _stop(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    run()
