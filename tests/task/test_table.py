"""Tables are read as their writers meant them, or refused."""

from __future__ import annotations

import json

import pytest

from headstart.errors import RequestError
from headstart.task.table import read_table


def test_rows_count_as_in_a_spreadsheet() -> None:
    raw = read_table(b'text,label\n"two\nlines",a\n\nlast,b\n', "x.csv")
    assert raw.origins == ["x.csv row 2", "x.csv row 4"]
    assert raw.columns["text"] == ["two\nlines", "last"]


def test_semicolons_are_told_from_the_header() -> None:
    raw = read_table(b"text;label\nhello, you;a\n", "x.csv")
    assert raw.columns == {"text": ["hello, you"], "label": ["a"]}
    assert raw.said == ["columns are separated by semicolons"]


def test_lone_quotes_in_a_tsv_are_plain_characters() -> None:
    raw = read_table(b'text\tlabel\n"so he said\ta\nfine\tb\n', "x.tsv")
    assert raw.columns["text"] == ['"so he said', "fine"]
    assert "plain characters" in raw.said[0]


def test_words_such_as_none_and_na_stay_words() -> None:
    raw = read_table(b"text,label\nx,none\ny,NA\nz,null\n", "x.csv")
    assert raw.columns["label"] == ["none", "NA", "null"]


def test_a_first_row_that_is_data_is_refused() -> None:
    with pytest.raises(RequestError, match="'pos' is also a value in its column") as caught:
        read_table(b"good film,pos\nbad film,neg\nfine film,pos\n", "x.csv")
    assert "again in data row 2" in str(caught.value.where)


@pytest.mark.parametrize(
    "value",
    [
        [{"text": "a", "label": "b"}, {"text": "c"}],
        {"data": [{"text": "a", "label": "b"}, {"text": "c", "label": None}]},
        {"text": ["a", "c"], "label": ["b", None]},
    ],
)
def test_three_shapes_of_json_are_read(value: object) -> None:
    raw = read_table(json.dumps(value).encode(), "x.json")
    assert raw.columns == {"text": ["a", "c"], "label": ["b", None]}


def test_json_lines_under_the_name_json_are_read() -> None:
    assert len(read_table(b'{"text": "a"}\n{"text": "b"}\n', "x.json")) == 2


def test_empty_columns_that_a_spreadsheet_leaves_are_cut() -> None:
    raw = read_table(b",text,label,,\n0,hello,a,,\n1,bye,b,,\n", "x.csv")
    assert raw.columns == {"unnamed": ["0", "1"], "text": ["hello", "bye"], "label": ["a", "b"]}
