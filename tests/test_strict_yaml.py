"""YAML is read as text and checked by a model; tricks are refused, with the line."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, RootModel

from headstart.errors import RequestError
from headstart.strict_yaml import DEPTH, read_yaml


class Anything(RootModel[Any]):
    pass


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    country: str
    version: str
    share: float = 0.0
    on: bool = False
    owner: str | None = None


def read(tmp_path: Path, text: str | bytes) -> Any:
    path = tmp_path / "file.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_yaml(path, Anything).root


def test_text_stays_text_until_the_model_gives_it_a_type(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("country: no\nversion: 1.10\nshare: 0.5\non: true\nowner: ~\n")
    found = read_yaml(path, Settings)
    assert (found.country, found.version, found.owner) == ("no", "1.10", None)
    assert (found.share, found.on) == (0.5, True)


def test_a_quoted_nothing_is_a_text(tmp_path: Path) -> None:
    assert read(tmp_path, "a: ''\nb: 'null'\nc:\nd: null\n") == {
        "a": "", "b": "null", "c": None, "d": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("a: &x [1]\nb: *x\n", "anchors", 1),
        ("a: 1\nb: !!python/object/apply:os.system [x]\n", "tags", 2),
        ("a: 1\na: 2\n", "'a' is here twice", 2),
        ("? [a, b]\n: 1\n", "a key is no plain text", 1),
        ("a: 1\nb: [1\n", "no YAML", 3),
        ("a: 1\n---\nb: 2\n", "no YAML", 2),
        ("[" * (DEPTH + 1) + "]" * (DEPTH + 1), f"more than {DEPTH} levels", 1),
        (b"a: 1\nb: \xff\n", "not UTF-8", 2),
        ("a: \x00\n", "no YAML", None),
    ],
)
def test_tricks_are_refused_with_the_line(
    tmp_path: Path, text: str | bytes, said: str, line: int | None
) -> None:
    with pytest.raises(RequestError, match=said) as told:
        read(tmp_path, text)
    if line is not None:
        assert told.value.where == f"{tmp_path / 'file.yaml'}, line {line}"


def test_deep_nesting_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="levels lie in each other"):
        read(tmp_path, "[" * 100_000)


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("a: " + "x" * 100)
    with pytest.raises(RequestError, match="more than 100 bytes"):
        read_yaml(path, Anything, limit=100)


def test_what_the_model_refuses_is_told_with_place_and_line(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("country: de\nversion: 1\nshare: much\n")
    with pytest.raises(RequestError, match="share: Input should be a valid number") as told:
        read_yaml(path, Settings)
    assert told.value.where == f"{path}, line 3"


def test_a_missing_file_is_a_wrong_request(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        read_yaml(tmp_path / "none.yaml", Anything)


@given(st.one_of(st.binary(max_size=200), st.text("[]{}:,-&*!?|>'\"# \n\tab1~", max_size=60)))
def test_any_bytes_are_read_or_refused(tmp_path_factory: Any, raw: bytes | str) -> None:
    folder = tmp_path_factory.mktemp("yaml")
    with suppress(RequestError):
        read(folder, raw)
