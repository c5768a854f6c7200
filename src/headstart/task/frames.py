"""Reads what is in memory or saved by a library: DataFrames and ``datasets`` sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.errors import RequestError
from headstart.task.raw import PART_NAMES, Raw, check_header, joined, plain, shown

if TYPE_CHECKING:
    import pandas as pd


def read_frame(frame: pd.DataFrame) -> Raw:
    """Return the rows of a pandas DataFrame; an origin counts from 0, as ``iloc`` does.

    Raises:
        RequestError: It has no rows, or a column name twice.
    """
    names = [
        "/".join(map(str, column)) if isinstance(column, tuple) else str(column)
        for column in frame.columns
    ]
    if not len(frame) or not names:
        raise RequestError(
            f"the DataFrame is empty ({len(frame)} rows, {len(names)} columns)",
            where="DataFrame",
            mend="give a frame with rows",
        )
    check_header(names, "DataFrame")
    columns = {
        name: [plain(cell) for cell in frame.iloc[:, at].tolist()] for at, name in enumerate(names)
    }
    origins = [f"DataFrame row {row}" for row in range(len(frame))]
    return Raw("dataframe", columns, origins)


def is_dataset(data: object) -> bool:
    """Whether ``data`` is a Dataset or DatasetDict, told without importing the library."""
    return any(
        kind.__module__.split(".")[0] == "datasets"
        and kind.__name__ in ("Dataset", "DatasetDict", "IterableDataset", "IterableDatasetDict")
        for kind in type(data).__mro__
    )


def read_dataset(data: Any, name: str = "dataset") -> Raw:
    """Return the rows of a ``datasets.Dataset`` or of all parts of a ``DatasetDict``.

    Raises:
        RequestError: It is empty or streamed, or has parts none of which is named train.
    """
    kind = type(data).__name__
    if kind.startswith("Iterable"):
        raise RequestError(
            f"a streamed set ({kind}) has no fixed rows",
            where=name,
            mend="load it without streaming=True",
        )
    if not isinstance(data, dict):
        return _rows(data, name)
    named = [(PART_NAMES[part.lower()], part) for part in data if part.lower() in PART_NAMES]
    if not named and len(data) == 1:
        return _rows(next(iter(data.values())), name)
    if not any(part == "train" for part, _ in named):
        raise RequestError(
            f"no part named train; found: {', '.join(map(str, data)) or 'nothing'}",
            where=name,
            mend='give one part: data["…"]',
        )
    read = [(part, _rows(data[key], f"{name} {key}")) for part, key in named if len(data[key])]
    raw = joined(name, read, "the data's own")
    left_out = [key for key in data if key.lower() not in PART_NAMES]
    if left_out:
        raw.said.append(f"parts not read: {', '.join(left_out[:8])}")
    return raw


def saved_dataset(folder: Path) -> bool:
    """Whether ``folder`` was written by ``save_to_disk``."""
    alone = (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()
    return alone or (folder / "dataset_dict.json").is_file()


def read_saved(folder: Path) -> Raw:
    """Return the rows of a set written by ``save_to_disk``."""
    datasets = _library()
    try:
        data = datasets.load_from_disk(str(folder))
    except Exception as error:  # the library raises many kinds for a damaged folder
        raise RequestError(
            f"the saved set cannot be loaded: {shown(error, 200)}",
            where=str(folder),
            mend="save it again with save_to_disk",
        ) from error
    return read_dataset(data, folder.name)


def read_named(reference: str) -> Raw:
    """Return the rows of ``org/name`` from the Hugging Face hub or its local cache."""
    datasets = _library()
    try:
        data = datasets.load_dataset(reference)
    except Exception as error:  # offline, unknown, gated: the library's own words say which
        raise RequestError(
            f"no such path here, and the set cannot be loaded from the Hugging Face hub: "
            f"{shown(error, 200)}",
            where=reference,
            mend="check the spelling and the network, or give a local file or folder",
        ) from error
    return read_dataset(data, reference.replace("/", "-"))


def _library() -> Any:
    try:
        import datasets
    except ImportError as error:
        raise RequestError(
            "this needs the package 'datasets'", mend="pip install 'headstart[datasets]'"
        ) from error
    return datasets


def _rows(data: Any, name: str) -> Raw:
    datasets = _library()
    if not len(data):
        raise RequestError("the set has no rows", where=name, mend="give a set with rows")
    columns: dict[str, list[Any]] = {}
    for column, feature in data.features.items():
        if isinstance(feature, datasets.Image):
            data = data.cast_column(column, datasets.Image(decode=False))
        elif isinstance(feature, datasets.Audio):
            continue
        named = _naming(feature, datasets)
        columns[column] = [named(plain(cell)) for cell in data.with_format(None)[column]]
    check_header(list(columns), name)
    return Raw(name, columns, [f"{name} row {row}" for row in range(len(data))])


def _naming(feature: Any, datasets: Any) -> Callable[[Any], Any]:
    """Return what turns class numbers of a feature into their names, in lists too."""
    if isinstance(feature, datasets.ClassLabel):
        names: Sequence[str] = feature.names
        return lambda cell: names[cell] if isinstance(cell, int) and cell >= 0 else None
    inner = getattr(feature, "feature", None)
    if isinstance(inner, datasets.ClassLabel):
        one = _naming(inner, datasets)
        return lambda cells: [one(cell) for cell in cells] if cells is not None else None
    return lambda cell: cell
