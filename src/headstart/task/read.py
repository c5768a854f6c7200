"""Turns whatever the user names into one table: finds out what it is and calls its reader."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from headstart.errors import RequestError
from headstart.task.corpus import TEXT_SUFFIXES, read_corpus
from headstart.task.frames import is_dataset, read_dataset, read_frame, read_named, read_saved
from headstart.task.frames import saved_dataset as is_saved_dataset
from headstart.task.layout import image_finder, read_tree
from headstart.task.model import Kind
from headstart.task.packaged import PREFIX, read_packaged
from headstart.task.raw import Raw
from headstart.task.table import TABLE_SUFFIXES, read_table
from headstart.task.tree import Entry, folder_tree, zip_tree

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def read(data: Any, kind: Kind | None = None) -> Raw:
    """Return the rows of ``data``.

    Args:
        data: Path of a file, folder or zip archive; ``packaged:name``; ``org/name`` of a set on
            the Hugging Face hub; a DataFrame; a Dataset or DatasetDict.
        kind: What is asked, if the user said so: a folder of texts may be classes or a corpus.

    Raises:
        RequestError: It does not exist, is empty or is broken.
    """
    raw = _read(data, kind is Kind.LANGUAGE_MODELING)
    raw.name = _storable(raw.name)
    raw.columns = {_storable(name): cells for name, cells in raw.columns.items()}
    return raw


def _storable(name: str) -> str:
    """Return ``name`` without halves of surrogate pairs, which no JSON file can hold."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _read(data: Any, corpus: bool) -> Raw:
    if isinstance(data, pd.DataFrame):
        return read_frame(data)
    if is_dataset(data):
        return read_dataset(data)
    if not isinstance(data, str | Path):
        raise RequestError(
            f"data of type {type(data).__name__} is not understood",
            mend="give a path, a DataFrame or a datasets.Dataset",
        )
    if str(data).startswith(PREFIX):
        return read_packaged(str(data))
    if not str(data).strip() or "\x00" in str(data):
        raise RequestError("the path of the data is empty or holds a NUL", mend="give a path")
    try:
        return _read_path(Path(data).expanduser(), str(data), corpus)
    except OSError as error:
        raise RequestError(
            f"cannot read: {error.strerror or error}",
            where=str(data),
            mend="check the path and its permissions",
        ) from error


def _read_path(path: Path, given: str, corpus: bool) -> Raw:
    if path.is_dir():
        if is_saved_dataset(path):
            return read_saved(path)
        return _read_tree(folder_tree(path), path.resolve().name, corpus)
    if path.is_file():
        return _read_file(path, corpus)
    beside = _siblings(path)
    if not beside and _HUB_NAME.fullmatch(given) and not path.parent.exists():
        return read_named(given)
    found = f"the nearest that exists: {beside[0]}" if beside else f"looked in {path.parent}"
    raise RequestError("no such file or folder", where=given, mend=found)


def _siblings(path: Path) -> list[str]:
    """Return existing paths whose name is near that of ``path``, the nearest first."""
    if not path.parent.is_dir():
        return []
    names = [item.name for item in path.parent.iterdir()]
    return [str(path.parent / name) for name in get_close_matches(path.name, names, 3, 0.5)]


def _read_tree(entries: Sequence[Entry], name: str, corpus: bool) -> Raw:
    texts = [entry for entry in entries if entry.suffix in TEXT_SUFFIXES]
    return read_corpus(texts, name) if corpus and texts else read_tree(entries, name)


def _read_file(path: Path, corpus: bool) -> Raw:
    if path.stat().st_size == 0:
        raise RequestError("the file is empty (0 bytes)", where=str(path), mend="copy it again")
    suffix = path.suffix.lower()
    if suffix == ".zip":
        return _read_tree(zip_tree(path), path.stem, corpus)
    if suffix in TEXT_SUFFIXES:
        return read_corpus([Entry((path.name,), path=path)], path.stem)
    if suffix in TABLE_SUFFIXES:
        raw = read_table(path, path.name)
        raw.image = image_finder(Entry((path.name,), path=path), ())
        return raw
    raise RequestError(
        f"files ending in '{suffix or path.name}' are not understood",
        where=str(path),
        mend="give a folder, a .zip, or a table: " + " ".join(TABLE_SUFFIXES) + "; or .txt, .md",
    )
