"""A header is read as the format says, or refused in words; hostile ones cost little."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.hub.store.header import MOST, HeaderError, header_bytes, parsed


def entry(begin: int, end: int, dtype: str = "U8", shape: Any = None) -> dict[str, Any]:
    shape = [end - begin] if shape is None else shape
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def raw(**tensors: Any) -> bytes:
    return json.dumps(tensors).encode()


def test_tensors_come_in_the_order_of_their_bytes() -> None:
    header = parsed(
        raw(
            b=entry(12, 20, "F16", [2, 2]),
            a=entry(0, 12, "F32", [3]),
            empty=entry(12, 12, "I64", [0, 5]),
            __metadata__={"format": "pt", "dtype": "x", "shape": "y", "data_offsets": "z"},
        )
        + b"   "
    )
    assert [tensor.name for tensor in header.tensors] == ["a", "empty", "b"]
    assert [tensor.width for tensor in header.tensors] == [4, 8, 2]
    assert header.data_bytes == 20
    assert header.metadata["format"] == "pt"
    assert parsed(b"{}").data_bytes == 0


def test_tensors_may_be_named_as_the_fields_are() -> None:
    header = parsed(raw(dtype=entry(0, 1), shape=entry(1, 2), data_offsets=entry(2, 3)))
    assert len(header.tensors) == 3


@pytest.mark.parametrize(
    "header",
    [
        b"", b"[]", b"{", b'{"a":1}', b'{"a":{}}', b"\xff\xfe", b"[" * 100_000,
        raw(a=entry(0, 8), b=entry(4, 12)), raw(a=entry(0, 8), b=entry(9, 12)),
        raw(a=entry(1, 8)), raw(a=entry(8, 0)), raw(a=entry(-8, 0)),
        raw(a=entry(0, 8, "F32", [3])), raw(a=entry(0, 8, "PICKLE")),
        raw(a=entry(0, 8, "F32", "2")),
        raw(a=entry(0, 2, "U8", [True, 2])), raw(a=entry(0, 2, "U8", [2.0])),
        raw(a=entry(0, 0, "U8", [2**63, 0])), raw(a=entry(0, 1, "U8", [1] * 65)),
        raw(a={**entry(0, 1), "more": 1}), raw(a=[entry(0, 1)]), raw(__metadata__={"a": 1}),
        raw(__metadata__=entry(0, 1)), b'{"a":NaN}', b'{"\\ud800":' + raw(**entry(0, 1)) + b"}",
        b'{"a":{"dtype":"U8","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,1]}}',
        b'{"a":' + raw(**entry(0, 1)) + b',"a":' + raw(**entry(0, 1)) + b"}",
        b'{"a":' * 5000 + b"1" + b"}" * 5000, b"{" + b"[" * (3 * MOST), b"{" + b"," * (20 * MOST),
    ],
    ids=lambda header: repr(header[:60]),
)  # fmt: skip
def test_what_is_no_header_is_refused(header: bytes) -> None:
    with pytest.raises(HeaderError):
        parsed(header)


def test_more_tensors_than_anyone_has_are_refused() -> None:
    many = {f"t{index}": entry(index, index + 1) for index in range(MOST + 3)}
    with pytest.raises(HeaderError, match="more than"):
        parsed(raw(**many))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_header_or_an_error_in_words(data: bytes) -> None:
    with suppress(HeaderError):
        assert parsed(data).data_bytes >= 0


def test_the_length_is_believed_only_within_the_format() -> None:
    assert header_bytes((2).to_bytes(8, "little") + b"{") == 2
    assert header_bytes((2).to_bytes(8, "little") + b"[") is None
    assert header_bytes((100_000_001).to_bytes(8, "little") + b"{") is None
    assert header_bytes(b"\x02" + bytes(7)) is None
