"""Reads what ``headstart predict`` is given: tables, lines of text, images, standard input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from headstart.errors import RequestError, nearest
from headstart.progress import Progress
from headstart.task.cells import BadRowError
from headstart.task.columns import survey
from headstart.task.decode import decode_text
from headstart.task.dialogues import LISTS, prompt_columns, prompt_of
from headstart.task.images import image_problem
from headstart.task.model import Image, Input
from headstart.task.raw import IMAGE_SUFFIXES, Raw, is_missing
from headstart.task.table import TABLE_SUFFIXES, read_table


class Expectation(Protocol):
    """What an adapted model says of the inputs it reads."""

    @property
    def modality(self) -> str:
        """``text`` or ``image``."""

    @property
    def objective(self) -> str:
        """Shape of a prediction; ``tags`` want words."""

    @property
    def input(self) -> Sequence[str]:
        """Names of the input columns it was adapted on; two for a text pair."""


@dataclass(frozen=True, slots=True)
class Rows:
    """N input rows.

    Attributes:
        identity: Column name to N cells, by which a person knows the rows again.
        inputs: N inputs; None where ``problems`` says why there is none.
        problems: N texts, empty for a readable row.
        places: N places to show a person.
    """

    identity: dict[str, list[str]]
    inputs: list[Input | None]
    problems: list[str]
    places: list[str]


def read(source: str, model: Expectation, progress: Progress) -> Rows:
    """Return the rows of ``source``: a table, a ``.txt``, a folder, an image, or ``-``.

    Every image is opened once, so that one which cannot be is known by its row.

    Raises:
        RequestError: Nothing is there, it is of a kind that this model does not read, or the
            input column is not in the table.
    """
    rows = _read(source, model)
    return _checked(rows, progress) if model.modality == "image" else rows


def _read(source: str, model: Expectation) -> Rows:
    if source == "-":
        return _lines(_standard_input(), "stdin", model)
    path = Path(source)
    if not _is_there(path):
        if model.objective == "text" and _is_prompt(source):
            return Rows({"prompt": [_clean(source)]}, [_clean(source)], [""], ["the prompt"])
        raise RequestError("there is no such file or folder", where=source, mend=_kinds(model))
    if path.is_dir():
        return _folder(path, model)
    suffix = path.suffix.lower()
    if suffix in TABLE_SUFFIXES:
        return _table(path, model)
    if suffix in IMAGE_SUFFIXES and model.modality == "image":
        return _files([path], path.parent)
    if suffix == ".txt":
        return _lines(_text_file(path), path.name, model)
    raise RequestError(
        f"cannot read '{path.name}' as inputs of this {model.modality} model",
        where=source,
        mend=_kinds(model),
    )


def _checked(rows: Rows, progress: Progress) -> Rows:
    problems = list(rows.problems)
    images = [(row, value) for row, value in enumerate(rows.inputs) if isinstance(value, Image)]
    # Decoding frees the interpreter's lock, so threads check several images at once.
    with progress.bar("checking images", len(images)) as advance, ThreadPoolExecutor(4) as pool:
        found = pool.map(image_problem, (image for _, image in images))
        for (row, _), problem in zip(images, found, strict=True):
            problems[row] = problem or ""
            advance()
    return replace(rows, problems=problems)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name longer than the file system allows, a folder that is closed to us
        return False


def _is_prompt(source: str) -> bool:
    """Whether what is no file was meant as a prompt: not the slip of a file's name."""
    looks = Path(source).suffix.lower() in (*TABLE_SUFFIXES, ".txt") or "/" in source
    return bool(source.strip()) and (" " in source.strip() or not looks)


def _kinds(model: Expectation) -> str:
    table = "a table (.csv, .tsv, .jsonl, .parquet)"
    if model.modality == "image":
        return f"give an image, a folder of images, or {table} with a column of image paths"
    prompt = ", or the prompt itself, in quotes" if model.objective == "text" else ""
    return f"give {table}, a .txt with one text a line, or - for lines from stdin{prompt}"


def _standard_input() -> str:
    return decode_text(sys.stdin.buffer.read(), "stdin")[0]


def _text_file(path: Path) -> str:
    try:
        return decode_text(path.read_bytes(), path.name)[0]
    except OSError as error:
        raise _unreadable(path, error) from error


def _lines(text: str, name: str, model: Expectation) -> Rows:
    lines = text.splitlines()
    if not any(line.strip() for line in lines):
        raise RequestError("there are no lines to predict", where=name, mend=_kinds(model))
    places = [f"{name} line {number}" for number in range(1, len(lines) + 1)]
    if model.modality == "image":
        cells: list[tuple[Any, ...]] = [(line.strip(),) for line in lines]
        rows = [_image(cell, Path()) for cell in cells]
        return _rows({"file": lines}, rows, places)
    pair = len(model.input) == 2
    cells = [tuple(line.split("\t")) if pair else (line,) for line in lines]
    return _rows({"text": lines}, [_text(cell, model) for cell in cells], places)


def _folder(folder: Path, model: Expectation) -> Rows:
    suffixes = IMAGE_SUFFIXES if model.modality == "image" else {".txt"}
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in suffixes and file.is_file() and not file.name.startswith(".")
    )
    if not files:
        what = "images" if model.modality == "image" else ".txt files"
        raise RequestError(f"no {what} in the folder", where=str(folder), mend=_kinds(model))
    if model.modality == "image":
        return _files(files, folder)
    names = [str(file.relative_to(folder)) for file in files]
    rows = [_text_or_problem(file, model) for file in files]
    return _rows({"file": names}, rows, names)


def _files(files: list[Path], folder: Path) -> Rows:
    names = [str(file.relative_to(folder)) for file in files]
    return Rows({"file": names}, [Image(path=file) for file in files], [""] * len(files), names)


def _text_or_problem(file: Path, model: Expectation) -> tuple[Input | None, str]:
    try:
        return _text((_text_file(file),), model)
    except RequestError as error:
        return None, error.what


def _table(path: Path, model: Expectation) -> Rows:
    try:
        raw = read_table(path, path.name)
    except OSError as error:
        raise _unreadable(path, error) from error
    names = _input_columns(raw, path, model)
    cells = list(zip(*(raw.columns[name] for name in names), strict=True))
    if model.modality == "image":
        rows = [_image(cell, path.parent) for cell in cells]
    else:
        rows = [_text(cell, model) for cell in cells]
    identity = {
        name: [_shown(cell) for cell in column]
        for name, column in raw.columns.items()
        if not any(isinstance(cell, bytes | dict) for cell in column)
    }
    if not identity:
        identity = {"row": [str(row) for row in range(1, len(raw) + 1)]}
    return _rows(identity, rows, raw.origins)


def _input_columns(raw: Raw, path: Path, model: Expectation) -> list[str]:
    if model.objective == "text":
        found = _prompt_columns(raw, model)
        if found:
            return found
    missing = [name for name in model.input if name not in raw.columns]
    if not missing:
        return list(model.input)
    if len(model.input) == 1:
        if len(raw.columns) == 1:
            return list(raw.columns)
        shapes = {"list", "text"} if model.objective == "tags" else {str(model.modality)}
        fit = [name for name, facts in survey(raw).items() if facts.shape in shapes]
        if len(fit) == 1:
            return fit
    raise RequestError(
        f"no column '{missing[0]}', which is what the model reads",
        where=str(path),
        mend=f"rename the column that holds it to '{missing[0]}'; "
        + nearest(missing[0], raw.columns),
    )


def _prompt_columns(raw: Raw, model: Expectation) -> list[str]:
    """Return the columns of prompts: those it was adapted on, else those named like prompts."""
    known = [name for name in model.input if name in raw.columns]
    if known and known[0] == model.input[0]:  # an instruction may stand without its input
        return known
    lists = [name for name in LISTS if name in raw.columns]
    return lists[:1] or list(prompt_columns(raw))


def _image(cell: tuple[Any, ...], folder: Path) -> tuple[Input | None, str]:
    value = cell[0]
    if isinstance(value, dict):  # the layout of a `datasets` image column
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return Image(data=value), ""
    if is_missing(value):
        return None, "the input is empty"
    path = folder / str(value)
    if not path.is_file():
        return None, f"there is no file {value}"
    return Image(path=path), ""


def _text(cell: tuple[Any, ...], model: Expectation) -> tuple[Input | None, str]:
    if model.objective == "text":
        return _prompt(cell)
    if any(is_missing(value) for value in cell):
        return None, "the input is empty"
    if model.objective == "tags":
        words = cell[0]
        return tuple(
            _clean(word) for word in (words.split() if isinstance(words, str) else words)
        ), ""
    texts = [_clean(value) for value in cell]
    if len(model.input) == 1:
        return texts[0], ""
    if len(texts) != 2:
        return None, "expected two texts with a tab between them"
    return (texts[0], texts[1]), ""


def _prompt(cell: tuple[Any, ...]) -> tuple[Input | None, str]:
    """Return a prompt: a text, an instruction with what it is about, or a list of messages."""
    if isinstance(cell[0], list | tuple):
        try:
            return prompt_of(cell[0]), ""
        except BadRowError as error:
            return None, error.what
    if is_missing(cell[0]):
        return None, "the input is empty"
    told = [_clean(value) for value in cell if not is_missing(value)]
    return "\n\n".join(told), ""


def _rows(
    identity: dict[str, list[str]], rows: list[tuple[Input | None, str]], places: list[str]
) -> Rows:
    inputs = [value for value, _ in rows]
    return Rows(identity, inputs, [problem for _, problem in rows], places)


def _shown(cell: Any) -> str:
    if is_missing(cell):
        return ""
    return " ".join(map(_clean, cell)) if isinstance(cell, list | tuple) else _clean(cell)


def _clean(value: Any) -> str:
    # JSON can hold half a surrogate pair, which is no character and which no file can take.
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _unreadable(path: Path, error: OSError) -> RequestError:
    return RequestError(
        f"cannot be read: {error.strerror or error}", where=str(path), mend="check its permissions"
    )
