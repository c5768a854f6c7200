"""What ``headstart predict`` makes of its input rows, and where it goes."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from headstart.cli import show
from headstart.cli.inputs import Rows
from headstart.errors import RequestError
from headstart.files import write_text
from headstart.progress import Progress

# So many rows are predicted at once: enough to fill batches, few enough to show progress.
CHUNK = 1024
SPOKEN = 64  # prompts: an answer takes as long as thousands of labels
# What a terminal shows of a long table; all of it goes to --out or a pipe.
SHOWN = 20
# Between the labels of one multi-label row.
BETWEEN = "; "
SUFFIXES = (".csv", ".tsv", ".jsonl")

Value = str | float | list[str]


class Predictor(Protocol):
    """What prediction needs of an adapted model."""

    @property
    def objective(self) -> str:
        """Shape of one prediction, see :class:`headstart.task.model.Objective`."""

    @property
    def classes(self) -> Sequence[str]:
        """Class names in the order of the probabilities' columns."""

    def predict(self, inputs: Sequence[Any]) -> Sequence[Value]:
        """Return one label, number, or list of labels an input."""

    def predict_proba(self, inputs: Sequence[Any]) -> Any:
        """Return probabilities (N, classes)."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One row's outcome: a value with its confidence, or the problem that prevented it.

    ``confidence`` is the probability of the label (of each label, for several), None for a
    number, tags or text. ``cut`` says that a text was not ended by the model.
    """

    value: Value | None
    confidence: float | list[float] | None = None
    problem: str = ""
    cut: bool = False


def check_suffix(out: Path | None) -> None:
    """Refuse an output file of a kind that cannot be written, before anything slow happens.

    Raises:
        RequestError: The suffix is not one of :data:`SUFFIXES`, or ``out`` is a folder.
    """
    if out is None:
        return
    if out.is_dir():
        raise RequestError("--out is a folder", where=str(out), mend=f"name a file: {out}/new.csv")
    if out.suffix.lower() not in SUFFIXES:
        raise RequestError(
            f"cannot write predictions as '{out.suffix or out.name}'",
            where=str(out),
            mend=f"end --out with one of {', '.join(SUFFIXES)}",
        )


def predict(
    model: Predictor, rows: Rows, progress: Progress, options: Mapping[str, Any] | None = None
) -> list[Prediction]:
    """Return one prediction a row; a row that cannot be read or predicted says why.

    ``options`` are a language model's.
    """
    found = [Prediction(None, problem=problem) for problem in rows.problems]
    readable = [row for row, problem in enumerate(rows.problems) if not problem]
    size = SPOKEN if model.objective == "text" else CHUNK
    with progress.bar("predicting", len(readable)) as advance:
        for start in range(0, len(readable), size):
            chunk = readable[start : start + size]
            inputs = [rows.inputs[row] for row in chunk]
            predictions = _predict_some(model, inputs, options or {}, start)
            for row, prediction in zip(chunk, predictions, strict=True):
                found[row] = prediction
            advance(len(chunk))
    return found


def deliver(rows: Rows, predictions: list[Prediction], out: Path | None, as_json: bool) -> None:
    """Write the rows with their predictions to ``out``, else to stdout.

    Raises:
        WorkError: ``out`` cannot be written.
    """
    records = _records(rows, predictions)
    if out is not None:
        write_text(out, _as_text(records, out.suffix.lower()))
        failed = sum(1 for prediction in predictions if prediction.problem)
        if as_json:
            show.as_json({"out": str(out), "rows": len(predictions), "failed": failed})
        else:
            typer.echo(f"{len(predictions) - failed:,} of {len(predictions):,} rows → {out}")
    elif as_json:
        show.as_json(records)
    elif sys.stdout.isatty():
        _print_table(records)
    else:
        sys.stdout.write(_as_text(records, ".csv"))


def tell_problems(rows: Rows, predictions: list[Prediction]) -> None:
    """Name on stderr the rows without a prediction; end with 1 if there is no other row.

    Answers that were cut are counted.
    """
    cut = sum(prediction.cut for prediction in predictions)
    if cut:
        typer.echo(
            f"{cut:,} of {len(predictions):,} answers were cut before the model ended them "
            "(--max-tokens)",
            err=True,
        )
    bad = [row for row, prediction in enumerate(predictions) if prediction.problem]
    for row in bad[:10]:
        typer.echo(f"{rows.places[row]}: {predictions[row].problem}", err=True)
    if len(bad) > 10:
        typer.echo(f"… and {len(bad) - 10:,} more rows without a prediction", err=True)
    if bad and len(bad) == len(predictions):
        typer.echo("error: no row could be predicted", err=True)
        raise typer.Exit(1)


def _predict_some(
    model: Predictor, inputs: list[Any], options: Mapping[str, Any], first: int
) -> list[Prediction]:
    # One unreadable image must not cost its neighbours their predictions: halve the rows until
    # the culprit stands alone. For k bad rows among n that is some k log n calls.
    try:
        return _predict_all(model, inputs, options, first)
    except RequestError as error:
        if len(inputs) == 1:
            return [Prediction(None, problem=error.what)]
        half = len(inputs) // 2
        return [
            *_predict_some(model, inputs[:half], options, first),
            *_predict_some(model, inputs[half:], options, first + half),
        ]


def _predict_all(
    model: Predictor, inputs: list[Any], options: Mapping[str, Any], first: int
) -> list[Prediction]:
    if model.objective == "text":
        return _written(model, inputs, options, first)
    if model.objective == "single-label":
        probabilities = model.predict_proba(inputs)  # (N, C)
        best = probabilities.argmax(axis=1)
        return [
            Prediction(model.classes[label], float(row[label]))
            for label, row in zip(best, probabilities, strict=True)
        ]
    values = model.predict(inputs)
    if model.objective != "multi-label":
        return [Prediction(_plain(value)) for value in values]
    column = {name: index for index, name in enumerate(model.classes)}
    return [
        Prediction(list(labels), [float(row[column[label]]) for label in labels])
        for labels, row in zip(values, model.predict_proba(inputs), strict=True)
        if not isinstance(labels, str | float)
    ]


def _written(
    model: Any, inputs: list[Any], options: Mapping[str, Any], first: int
) -> list[Prediction]:
    from headstart.method.generate import Writing

    answers = model.answers(inputs, Writing(**options), first=first)
    return [Prediction(one.text, cut=not one.ended) for one in answers]


def _plain(value: Value) -> Value:
    if isinstance(value, str):
        return value
    return list(value) if isinstance(value, list | tuple) else float(value)


def _records(rows: Rows, predictions: list[Prediction]) -> list[dict[str, Any]]:
    taken = list(rows.identity)
    names = [_free(name, taken) for name in ("prediction", "confidence", "error", "cut")]
    failing = any(prediction.problem for prediction in predictions)
    cut = any(prediction.cut for prediction in predictions)
    records = []
    for row, prediction in enumerate(predictions):
        record: dict[str, Any] = {name: cells[row] for name, cells in rows.identity.items()}
        record[names[0]] = prediction.value
        record[names[1]] = _rounded(prediction.confidence)
        if cut:
            record[names[3]] = prediction.cut
        if failing:
            record[names[2]] = prediction.problem or None
        records.append(record)
    return records


def _free(name: str, taken: list[str]) -> str:
    # The user's own columns stay; ours give way.
    while name in taken:
        name = f"predicted_{name}"
    return name


def _rounded(confidence: float | list[float] | None) -> float | list[float] | None:
    if confidence is None:
        return None
    if isinstance(confidence, list):
        return [round(value, 4) for value in confidence]
    return round(confidence, 4)


def _as_text(records: list[dict[str, Any]], suffix: str) -> str:
    if suffix == ".jsonl":
        return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    text = io.StringIO()
    names = list(records[0]) if records else ["prediction", "confidence"]
    writer = csv.writer(text, delimiter="\t" if suffix == ".tsv" else ",", lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(record[name]) for name in names] for record in records)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return BETWEEN.join(str(part) for part in value)
    return str(value)


def _print_table(records: list[dict[str, Any]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in records[0]:
        table.add_column(Text(name), overflow="ellipsis", no_wrap=True)
    for record in records[:SHOWN]:
        table.add_row(*(Text(_cell(value)) for value in record.values()))
    console = show.console()
    console.print(table)
    if len(records) > SHOWN:
        console.print(f"{len(records) - SHOWN:,} more rows; write them all with --out FILE")
