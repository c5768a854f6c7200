"""``headstart predict`` and ``export``: use the adapted model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli import quiet, show
from headstart.cli.adapt import Json
from headstart.cli.faults import remember
from headstart.cli.progress import watcher

Model = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL", help="A study's folder, or its best/ folder.", show_default=False
    ),
]


def predict(
    context: typer.Context,
    model: Model,
    inputs: Annotated[
        str,
        typer.Argument(
            metavar="INPUTS",
            help="A table (.csv .tsv .jsonl .parquet), a .txt with one text a line, a folder of "
            "images, an image, or - for lines from stdin; of a language model also the prompt.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write here: .csv or .jsonl. \\[stdout]"),
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(metavar="N", help="Language models: tokens of an answer at most. \\[256]"),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            metavar="T", help="Language models: draw tokens; 0 takes the likeliest. \\[0]"
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Language models: of the draws. \\[0]")
    ] = None,
    json: Json = False,
) -> None:
    """Predict with an adapted model: every input row, its prediction and its confidence.

    A row that cannot be read gets an empty prediction and says why in its error column; the
    exit code is 1 only if no row could be predicted. A language model writes what follows each
    prompt; of one prompt, a terminal shows the answer while it is written.

    [bold]Examples[/bold]

      headstart predict headstart-runs/reviews new.csv --out predictions.csv

      echo "where is my card?" | headstart predict banking -

      headstart predict headstart-runs/chat "What is anaemia?" --temperature 0.7
    """
    remember(context, None)
    from headstart.cli import inputs as reading
    from headstart.cli import outputs, writing

    outputs.check_suffix(out)
    from headstart import api

    with watcher(json) as progress:
        with quiet.own_stdout():
            adapted = api.load(model)
            options = writing.options(adapted, max_tokens, temperature, seed)
            rows = reading.read(inputs, adapted, progress)
        if out is None and not json and writing.is_live(adapted, rows):
            writing.show(adapted, rows, options)
            return
        with quiet.own_stdout():
            predictions = outputs.predict(adapted, rows, progress, options)
    outputs.deliver(rows, predictions, out, json)
    outputs.tell_problems(rows, predictions)


def export(
    context: typer.Context,
    model: Model,
    to: Annotated[
        str, typer.Option("--to", metavar="[transformers|onnx|gguf]", help="The layout to write.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Where to; of gguf also a FILE.gguf. \\[default: beside MODEL]",
            show_default=False,
        ),
    ] = None,
    dtype: Annotated[
        str,
        typer.Option("--dtype", metavar="[float32|float16]", help="Of the weights in a gguf."),
    ] = "float32",
    json: Json = False,
) -> None:
    """Export an adapted model so that other tools load it with equal outputs.

    [bold]Examples[/bold]

      headstart export headstart-runs/reviews --to onnx --out reviews-onnx

      headstart export headstart-runs/chat --to gguf --out chat.gguf
    """
    remember(context, None)
    from headstart import api

    best = _best(model)
    place = out if out is not None else best.parent / f"{best.name}-{to}"
    with quiet.own_stdout():
        written = api.export_checked(best, to, place, dtype)
    if json:
        told = {"folder": str(written.place), "checked": written.checked, "drift": written.drift}
        show.as_json({"model": str(best), "to": to, **told})
    else:
        typer.echo(f"checked: {written.checked}", err=True)
        typer.echo(written.place)


def _best(model: Path) -> Path:
    return model / "best" if (model / "best").is_dir() else model
