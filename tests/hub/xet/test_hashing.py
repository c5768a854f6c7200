"""Hashes of Xet, against what huggingface's own client says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.hub.xet.hashing import chunk_hash, digest_of, file_hash, text_of, xorb_hash


@given(st.binary(min_size=32, max_size=32))
def test_text_and_digest_are_each_others_inverse(digest: bytes) -> None:
    assert digest_of(text_of(digest)) == digest


@pytest.mark.parametrize("text", ["", "ab", "g" * 64, "é" * 64, "0" * 65])
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        digest_of(text)


def test_the_order_and_the_lengths_of_chunks_count() -> None:
    nodes = [(chunk_hash(bytes([number]) * 9), 9) for number in range(40)]
    assert xorb_hash(nodes) != xorb_hash(nodes[::-1])
    assert xorb_hash(nodes) != xorb_hash([(digest, 8) for digest, _ in nodes])
    assert file_hash(nodes) != xorb_hash(nodes)
    assert xorb_hash(nodes[:1]) == nodes[0][0]
