"""Reads one table: CSV, TSV, JSONL, JSON or Parquet, from a file or from bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headstart.errors import RequestError
from headstart.task.decode import decode_text
from headstart.task.raw import Raw, check_header, plain, shown

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".pq")
_LARGEST_CELL = 64 * 2**20  # characters; the csv module's own limit of 131,072 is met by long texts

Columns = dict[str, list[Any]]


def read_table(source: Path | bytes, name: str) -> Raw:
    """Return the table in ``source``; the suffix of ``name`` says its format.

    Raises:
        RequestError: The content is empty or broken; names the file and the row.
    """
    suffix = Path(name).suffix.lower()
    if suffix in (".parquet", ".pq"):
        return _parquet(source, name)
    data = source.read_bytes() if isinstance(source, Path) else source
    text, said = decode_text(data, name)
    if not text.strip():
        raise RequestError("the file is empty", where=name, mend="give a file with rows")
    raw = _TEXT_FORMATS[suffix](text, name)
    if said:
        raw.said.append(said)
    if not len(raw):
        raise RequestError(
            "the table has a header but no rows", where=name, mend="give a file with rows"
        )
    return raw


def _csv(text: str, name: str) -> Raw:
    delimiter, said = _delimiter(text)
    raw = _separated(text, name, delimiter, csv.QUOTE_MINIMAL)
    raw.said.extend(said)
    return raw


def _delimiter(text: str) -> tuple[str, list[str]]:
    """Return the delimiter: a comma unless the header has none but has another one."""
    header = text.lstrip().splitlines()[0]
    if "," not in header:
        for other, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if other in header:
                return other, [f"columns are separated by {word}"]
    return ",", []


def _tsv(text: str, name: str) -> Raw:
    try:
        return _separated(text, name, "\t", csv.QUOTE_MINIMAL)
    except RequestError:
        # Many TSV files (GLUE's among them) never quote, and hold quotes as plain characters.
        try:
            raw = _separated(text, name, "\t", csv.QUOTE_NONE)
        except RequestError:
            raw = None
        if raw is None:
            raise
    raw.said.append(f"{name}: quotes are plain characters (they do not pair up)")
    return raw


def _separated(text: str, name: str, delimiter: str, quoting: Any) -> Raw:
    with _large_cells():
        records = _records(text, name, delimiter, quoting)
        _, header = next(records, (1, [""]))
        header = _named(header)
        check_header(header, f"{name} row 1")
        rows: list[list[str]] = []
        origins: list[str] = []
        for number, record in records:
            if len(record) > len(header) and not any(map(str.strip, record[len(header) :])):
                del record[len(header) :]  # spreadsheets export empty columns at the end
            if len(record) != len(header):
                raise _ragged(record, header, f"{name} row {number}", delimiter)
            rows.append(record)
            origins.append(f"{name} row {number}")
    cells = list(map(list, zip(*rows, strict=True))) if rows else [[] for _ in header]
    _check_header_is_one(header, cells, name)
    return Raw(Path(name).stem, dict(zip(header, cells, strict=True)), origins)


def _named(header: list[str]) -> list[str]:
    """Return the column names; empty ones at the end are cut, one before them is "unnamed"."""
    names = [column.strip() for column in header]
    while names and not names[-1]:
        names.pop()
    return [name or "unnamed" for name in names] or header


def _check_header_is_one(header: list[str], cells: list[list[str]], name: str) -> None:
    """Refuse a table whose first row is data: a "header" that recurs below it as a value."""
    for title, column in zip(header, cells, strict=True):
        if title and title in column:
            raise RequestError(
                f"the first row is no header: '{shown(title)}' is also a value in its column",
                where=f"{name} row 1, again in data row {column.index(title) + 1}",
                mend="begin the file with a line of column names such as: text,label "
                "(or remove a header that is repeated)",
            )


def _records(text: str, name: str, delimiter: str, quoting: Any) -> Iterator[tuple[int, list[str]]]:
    """Yield (row, fields); rows count as in a spreadsheet, the header is row 1."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
    row, began = 0, 1
    while True:
        row, began = row + 1, reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise RequestError(
                f"a quote is broken in the row that begins on line {began:,}: {error}",
                where=f"{name} row {row} (line {began})",
                mend='close the quote, and write a quote inside a quoted cell twice: ""',
            ) from error
        if any(field.strip() for field in record):
            yield row, record


def _ragged(record: list[str], header: list[str], where: str, delimiter: str) -> RequestError:
    return RequestError(
        f"{len(record)} cells where the header has {len(header)} ({shown(', '.join(header))}); "
        f"the row begins: {shown(record[0])}",
        where=where,
        mend=f"put a cell that contains {delimiter!r} in double quotes, or complete the row",
    )


@contextmanager
def _large_cells() -> Iterator[None]:
    before = csv.field_size_limit(_LARGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _jsonl(text: str, name: str) -> Raw:
    rows: list[dict[str, Any]] = []
    origins: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{name} line {number}"
            rows.append(_object(_parsed(line, where), where))
            origins.append(where)
    return Raw(Path(name).stem, _columns(rows), origins)


def _json(text: str, name: str) -> Raw:
    try:
        value = _parsed(text, name)
    except RequestError:
        if "\n" in text.strip() and text.lstrip().startswith("{"):
            return _jsonl(text, name)  # JSON lines under the name .json are common
        raise
    if isinstance(value, dict):
        value = _unwrapped(value, name)
    if not isinstance(value, list):
        raise RequestError(
            f"expected a list of objects, found {type(value).__name__}",
            where=name,
            mend='write [{"text": "…", "label": "…"}, …] or one object a line as .jsonl',
        )
    origins = [f"{name} row {number}" for number in range(1, len(value) + 1)]
    rows = [_object(item, where) for item, where in zip(value, origins, strict=True)]
    return Raw(Path(name).stem, _columns(rows), origins)


def _unwrapped(value: dict[str, Any], name: str) -> Any:
    """Return the rows in ``{"data": [rows]}`` or in ``{column: [cells]}``; else the value."""
    lists = {key: cells for key, cells in value.items() if isinstance(cells, list)}
    whole = len(lists) == len(value)
    if whole and len(lists) > 1 and len({len(cells) for cells in lists.values()}) == 1:
        return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    tables = [cells for cells in lists.values() if cells and isinstance(cells[0], dict)]
    if len(tables) == 1:
        return tables[0]
    return [value] if not lists else value


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise RequestError(
            "JSON nested too deep to read", where=where, mend="mend or remove this line"
        ) from error
    except ValueError as error:
        raise RequestError(
            f"not valid JSON: {error}", where=where, mend="mend or remove this line"
        ) from error


def _object(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}  # a row without a value, as cells can be: it is left out and counted
    if not isinstance(value, dict):
        raise RequestError(
            f"expected an object with named fields, found {type(value).__name__}: {shown(value)}",
            where=where,
            mend='write each row as {"text": "…", "label": "…"}',
        )
    return value


def _columns(rows: list[dict[str, Any]]) -> Columns:
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    return {name: [row.get(name) for row in rows] for name in names}


def _parquet(source: Path | bytes, name: str) -> Raw:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(source if isinstance(source, Path) else pa.BufferReader(source))
        arrow = table.read()
        check_header(arrow.column_names, name)
        columns = {
            column: [plain(cell) for cell in arrow.column(column).to_pylist()]
            for column in arrow.column_names
        }
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise RequestError(
            f"not a readable Parquet file: {shown(error, 160)}",
            where=name,
            mend="copy or download the file again; it may be cut short",
        ) from error
    count = len(next(iter(columns.values()), []))
    if not count:
        raise RequestError("the table has no rows", where=name, mend="give a file with rows")
    return Raw(Path(name).stem, columns, [f"{name} row {row}" for row in range(1, count + 1)])


_TEXT_FORMATS: dict[str, Callable[[str, str], Raw]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
}
