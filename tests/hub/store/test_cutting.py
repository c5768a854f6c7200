"""Cuts depend on the bytes alone; tensors that did not change are kept once."""

from __future__ import annotations

import json
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.hub.store.cutting import LEAST, Cutter
from headstart.hub.store.depot import depot_at
from headstart.hub.store.piece import LIMIT
from headstart.hub.store.store import Store

from .files import MIB, model, noise, safetensors, sha256, stored_bytes, with_header


def cut(data: bytes, chunks: list[int]) -> list[int]:
    """Return the lengths of the pieces of ``data`` when it comes in chunks of these lengths."""
    cutter, lengths, running, at = Cutter(), [], 0, 0
    sizes = iter(chunks)
    while at < len(data):
        size = next(sizes, len(data))
        chunk = memoryview(data)[at : at + size]
        at += len(chunk)
        while chunk:
            taken, ends = cutter.take(chunk)
            assert 0 < taken <= len(chunk)
            chunk, running = chunk[taken:], running + taken
            if ends:
                lengths.append(running)
                running = 0
    return [*lengths, running] if running else lengths


FILES = {
    "model": model(),
    "noise": noise(9 * MIB),
    "empty header": with_header(b"{}", noise(70_000)),
    "cut short": model()[:100],
    "cut in a tensor": model()[: 5 * MIB],
    "more than it says": model() + noise(5 * MIB),
    "a lie": with_header(json.dumps({"a": 1}).encode(), noise(70_000)),
    "a header that never comes": (2**40).to_bytes(8, "little") + b"{" + noise(5 * MIB),
    "a long header": with_header(b"{" + b" " * (5 * MIB) + b"}", noise(MIB)),
}


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(FILES)), st.lists(st.integers(1, 3 * MIB), max_size=8))
def test_cuts_do_not_depend_on_how_the_bytes_come(name: str, chunks: list[int]) -> None:
    data = FILES[name]
    whole = cut(data, [])
    assert sum(whole) == len(data)
    assert max(whole) <= LIMIT
    assert cut(data, chunks) == whole
    assert cut(data, [1] * 200) == whole


def test_tensors_begin_pieces_and_small_neighbours_share_one() -> None:
    small, large = noise(LEAST - 1), noise(LEAST)
    sizes = [large, small, small, noise(LIMIT + 5), small, large]
    data = safetensors({str(i): ("U8", (len(b),), b) for i, b in enumerate(sizes)})
    header = len(data) - sum(map(len, sizes))
    assert cut(data, []) == [
        header, LEAST, 2 * (LEAST - 1), LIMIT, 5, LEAST - 1, LEAST,
    ]  # fmt: skip


def test_a_lying_header_is_cut_as_any_file() -> None:
    header = {"a": {"dtype": "U8", "shape": [LEAST], "data_offsets": [5, LEAST]}}
    data = with_header(json.dumps(header).encode(), noise(LIMIT))
    assert cut(data, []) == [LIMIT, len(data) - LIMIT]


def test_the_same_tensors_in_another_file_cost_the_header_and_what_changed(local: Store) -> None:
    backbone = {f"encoder.{i}": ("U8", (MIB,), noise(MIB, i)) for i in range(6)}
    heads = [noise(30_000, seed) for seed in (98, 99)]
    first = safetensors({**backbone, "head": ("U8", (30_000,), heads[0])})
    second = safetensors({"head": ("U8", (30_000,), heads[1]), **backbone}, note="another order")
    local.add([first])
    before = stored_bytes(local)
    local.add([second])
    header = len(second) - 6 * MIB - 30_000
    assert stored_bytes(local) - before <= header + 30_000 + 1000  # and the recipe
    assert b"".join(local.read(sha256(second))) == second


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_bytes_come_back_in_any_chunks_and_ranges(data: st.DataObject) -> None:
    """With pieces of at most 64 bytes, so that small files have many."""
    body = data.draw(st.binary(max_size=700))
    if data.draw(st.booleans()):
        third = len(body) // 3
        body = safetensors(
            {"a": ("U8", (third,), body[:third]), "b": ("U8", (len(body) - third,), body[third:])}
        )
    with (
        patch("headstart.hub.store.cutting.LIMIT", 64),
        patch("headstart.hub.store.cutting.LEAST", 20),
        patch("headstart.hub.store.writer.INLINE", 10),
    ):
        store = Store(depot_at("memory://any"))
        chunks, at = [], 0
        while at < len(body):
            size = data.draw(st.integers(1, 100))
            chunks.append(body[at : at + size])
            at += size
        kept = store.add(chunks)
        assert b"".join(store.read(kept.sha256)) == body
        start, stop = data.draw(st.integers(0, 900)), data.draw(st.integers(0, 900))
        assert b"".join(store.read(kept.sha256, start, stop)) == body[start:stop]
        assert b"".join(store.read(kept.sha256, start)) == body[start:]
