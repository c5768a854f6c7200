"""Whatever comes in: a valid task or a RequestError comes out, never another error."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headstart.errors import RequestError
from headstart.task.build import build_task
from headstart.task.model import PARTS, Kind, Objective, Task

SOME = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
names = st.sampled_from(
    ["text", "label", "split", "id", "tokens", "tags", "premise", "hypothesis", "x", "", "image"]
)
cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["a", "b", "a|b", "a b", "train", "test", "x.png", "nan", "1", "2"]),
    st.lists(st.sampled_from(["A", "B", 1, None]), max_size=3),
    st.dictionaries(st.sampled_from(["bytes", "path", "k"]), st.binary(max_size=4), max_size=2),
    st.binary(max_size=8),
)
kinds = st.sampled_from([None, None, None, *Kind])
parts_of_paths = st.sampled_from(
    ["train", "test", "val", "cats", "dogs", "a.txt", "b.png", "c.csv", "d.jsonl", "e.parquet", "f"]
)


def check(data: Any, **flags: Any) -> None:
    try:
        task = build_task(data, **flags)
    except RequestError:
        return
    valid(task)


def valid(task: Task) -> None:
    for name in PARTS:
        part = task.parts[name]
        assert len(part) == len(part.targets) == len(part.ids) == len(part.origins)
        assert len(part) > 0
    if task.objective in (Objective.REAL, Objective.TEXT):
        assert task.classes == ()
        assert np.isfinite(np.asarray(task.train.targets)).all()
    elif task.objective is Objective.TEXT:
        assert task.classes == ()
        assert np.asarray(task.train.targets).min() > 0  # bytes that are to be said
    else:
        assert len(task.classes) > 1
    if task.objective is Objective.SINGLE_LABEL:
        assert np.asarray(task.train.targets).max() < len(task.classes)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[Any]]:
    """Columns whose cells are alike more often than not, as in life."""
    rows = draw(st.integers(0, 30))
    columns = {}
    for name in draw(st.lists(names, max_size=4, unique=True)):
        few = st.sampled_from(draw(st.lists(cells, min_size=1, max_size=3)))
        many = st.one_of(few, cells) if draw(st.booleans()) else cells
        columns[name] = draw(st.lists(many, min_size=rows, max_size=rows))
    return columns


@SOME
@given(tables(), kinds, st.one_of(st.none(), names))
def test_any_frame(columns: dict[str, list[Any]], kind: Kind | None, target: str | None) -> None:
    frame = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})
    check(frame, kind=kind, target=target)


@SOME
@given(st.lists(st.sampled_from("ab"), min_size=3, max_size=40), st.integers(1, 10), kinds)
def test_any_learnable_frame(labels: list[str], contents: int, kind: Kind | None) -> None:
    texts = [f"text {row % (contents * 4)}" for row in range(len(labels))]
    check(pd.DataFrame({"text": texts, "label": labels}), kind=kind)


@SOME
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text('ab,;|\n\r\t" \x00é�"', max_size=200).map(lambda text: text.encode()),
        st.text('ab,\n"é', max_size=80).map(lambda text: b"text,label\n" + text.encode("cp1252")),
        tables().map(lambda table: json.dumps(table, default=str).encode()),
        st.lists(st.dictionaries(names, cells, max_size=3), max_size=8).map(
            lambda rows: "\n".join(json.dumps(row, default=str) for row in rows).encode()
        ),
    ),
    st.sampled_from(["csv", "tsv", "jsonl", "json", "parquet", "zip", "txt"]),
)
def test_any_file(content: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x.{suffix}"
        path.write_bytes(content)
        check(path)
        assert sorted(Path(folder).iterdir()) == [path]  # nothing is left beside the data


@SOME
@given(
    st.dictionaries(
        st.lists(parts_of_paths, min_size=1, max_size=4).map(tuple),
        st.binary(max_size=40),
        max_size=8,
    )
)
def test_any_folder(files: dict[tuple[str, ...], bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for place, content in files.items():
            path = Path(folder).joinpath(*place)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            except OSError:
                continue  # a file where another wants a folder
        check(folder)


@SOME
@given(st.text(st.characters(exclude_characters="./~"), max_size=30))
def test_any_path(name: str) -> None:
    # without dots and slashes it stays in this folder, and off the network
    check(name)
