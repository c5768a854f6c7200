"""What ``headstart predict`` does for language models: its options, and answers as they come."""

from __future__ import annotations

import sys
from typing import Any, cast

import typer

from headstart.cli.inputs import Rows
from headstart.cli.outputs import Predictor
from headstart.errors import RequestError


def options(
    model: Predictor, max_tokens: int | None, temperature: float | None, seed: int | None
) -> dict[str, Any]:
    """Return the options that were given, by their names in Python.

    Raises:
        RequestError: The model writes nothing, or a value makes no sense.
    """
    given: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature, "seed": seed}
    found = {name: value for name, value in given.items() if value is not None}
    if found and model.objective != "text":
        raise RequestError(
            f"this model writes no text, its predictions are {model.objective}",
            where="--" + next(iter(found)).replace("_", "-"),
            mend="leave the option out",
        )
    if model.objective == "text":
        from headstart.method.generate import Writing

        Writing(**found)
    return found


def is_live(model: Predictor, rows: Rows) -> bool:
    """Whether the answer is shown while it is written: one prompt, on a terminal."""
    one = len(rows.inputs) == 1 and not rows.problems[0]
    return one and model.objective == "text" and sys.stdout.isatty()


def show(model: Predictor, rows: Rows, options: dict[str, Any]) -> None:
    """Write the answer to the one prompt to the terminal, piece by piece."""
    stream = cast(Any, model).stream(rows.inputs[0], **options)
    ended = None
    try:
        while ended is None:
            try:
                sys.stdout.write(next(stream))
            except StopIteration as stop:
                ended = bool(stop.value)
            sys.stdout.flush()
    finally:
        sys.stdout.write("\n")
    if not ended:
        typer.echo("the answer was cut before the model ended it (--max-tokens)", err=True)
