"""The vault: what is brought is proved, stored once, and comes back; what lies is refused."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from headstart.errors import HeadstartError, RequestError
from headstart.hub.store.store import Store
from headstart.hub.xet.vault import Vault, together
from tests.hub.xet.conftest import block_name, chunk, told

LENGTHS = (70_000, 8, 131_072, 65_537, 3, 100_000)
CONTENTS = [random.Random(number).randbytes(length) for number, length in enumerate(LENGTHS)]
NAME = block_name(CONTENTS)
SIZE = sum(LENGTHS)
WHOLE = b"".join(CONTENTS)
SHA256 = hashlib.sha256(WHOLE).hexdigest()
nobody: Callable[[str], bool] = lambda sha256: False  # noqa: E731


def brought(vault: Vault, encoding: int = 0) -> None:
    vault.add_xorb(NAME, b"".join(chunk(one, encoding) for one in CONTENTS), "ann")


def made(vault: Vault, encoding: int = 0) -> str:
    brought(vault, encoding)
    [file] = vault.add_shard(told(CONTENTS, [(NAME, 0, 6, SIZE)]), "ann", nobody)
    return file.name


@pytest.mark.parametrize("encoding", [0, 1, 2])
def test_a_file_comes_whole_however_its_chunks_came(
    vault: Vault, store: Store, encoding: int
) -> None:
    made(vault, encoding)
    assert b"".join(store.read(SHA256)) == WHOLE


def test_a_block_is_stored_once_and_served_again(vault: Vault, store: Store) -> None:
    made(vault)
    assert not list(store.depot.keys("xet/raw"))
    plain = b"".join(chunk(one) for one in CONTENTS)
    assert vault.xorb_size(NAME) == len(plain)
    assert b"".join(vault.xorb_bytes(NAME, 0, len(plain) - 1)) == plain
    assert b"".join(vault.xorb_bytes(NAME, 100, 200_000)) == plain[100:200_001]


@pytest.mark.parametrize(("start", "stop"), [(0, SIZE), (5, 9), (70_000, 70_009), (300_000, SIZE)])
def test_ranges_are_put_together_from_terms(vault: Vault, start: int, stop: int) -> None:
    name = made(vault)
    found = vault.terms(name, start, stop)
    content = b""
    for run in found.terms:
        raw = b"".join(vault.xorb_bytes(run.xorb, run.first_byte, run.last_byte))
        for number in range(run.start, run.end):
            content += raw[8 : 8 + LENGTHS[number]]
            raw = raw[8 + LENGTHS[number] :]
        assert not raw
    assert content[found.offset : found.offset + stop - start] == WHOLE[start:stop]


def test_a_later_file_is_made_of_an_earlier_ones_chunks(vault: Vault, store: Store) -> None:
    made(vault)
    parts = [CONTENTS[2], CONTENTS[0], CONTENTS[1], CONTENTS[2]]
    terms = [(NAME, 2, 3, LENGTHS[2]), (NAME, 0, 3, sum(LENGTHS[:3]))]
    [file] = vault.add_shard(told(parts, terms), "ann", nobody)
    assert b"".join(store.read(file.content.sha256)) == b"".join(parts)


def test_chunks_that_no_file_uses_yet_stay(vault: Vault, store: Store) -> None:
    brought(vault)
    vault.add_shard(told(CONTENTS[:2], [(NAME, 0, 2, sum(LENGTHS[:2]))]), "ann", nobody)
    [file] = vault.add_shard(told(CONTENTS[1:], [(NAME, 1, 6, SIZE - LENGTHS[0])]), "ann", nobody)
    assert b"".join(store.read(file.content.sha256)) == b"".join(CONTENTS[1:])
    assert not list(store.depot.keys("xet/raw"))


def test_another_owner_needs_the_block_or_the_right_to_a_file_of_it(vault: Vault) -> None:
    made(vault)
    shard = told(CONTENTS[:1], [(NAME, 0, 1, LENGTHS[0])])
    with pytest.raises(RequestError, match="never brought"):
        vault.add_shard(shard, "ben", nobody)
    asked: list[str] = []
    vault.add_shard(shard, "ben", lambda sha256: bool(asked.append(sha256)) or True)
    assert asked == [SHA256]
    brought_by_ben = b"".join(chunk(one) for one in CONTENTS)
    vault.add_xorb(NAME, brought_by_ben, "cara")
    vault.add_shard(shard, "cara", nobody)


LIES = {
    "another name": (block_name(CONTENTS[1:]), b"".join(map(chunk, CONTENTS))),
    "no name": ("xyz", b"".join(map(chunk, CONTENTS))),
    "truncated": (NAME, b"".join(map(chunk, CONTENTS))[:-1]),
    "empty": (NAME, b""),
    "half a header": (NAME, b"\0\1"),
    "a length that lies": (block_name([b"abc"]), chunk(b"abc", length=4)),
    "no length": (block_name([b""]), chunk(b"")),
    "too long": (block_name([bytes(200_000)]), chunk(bytes(200_000))),
    "a bomb": (block_name([bytes(9)]), chunk(bytes(5_000_000), 1, length=9)),
    "no LZ4": (block_name([b"abcd"]), b"\0\4\0\0\1\4\0\0abcd"),
    "an unknown encoding": (block_name([b"abcd"]), b"\0\4\0\0\7\4\0\0abcd"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_block_that_lies_is_refused(vault: Vault, store: Store, lie: str) -> None:
    with pytest.raises(RequestError, match="block"):
        vault.add_xorb(*LIES[lie], "ann")
    assert not list(store.depot.keys("xet"))


SHARDS = {
    "no such chunk": told(CONTENTS, [(NAME, 0, 7, SIZE)]),
    "another length": told(CONTENTS, [(NAME, 0, 6, SIZE - 1)]),
    "an empty range": told(CONTENTS, [(NAME, 6, 6, SIZE)]),
    "backwards": told(CONTENTS, [(NAME, 5, 2, SIZE)]),
    "no such block": told(CONTENTS, [("0" * 64, 0, 6, SIZE)]),
    "another file's name": told(CONTENTS, [(NAME, 0, 6, SIZE)], name=NAME),
    "another sha256": told(CONTENTS, [(NAME, 0, 6, SIZE)], sha256="1" * 64),
    "other chunks": told(CONTENTS[:2], [(NAME, 1, 2, LENGTHS[1])]),
    "nothing": b"",
    "noise": random.Random(9).randbytes(500),
    "truncated": told(CONTENTS, [(NAME, 0, 6, SIZE)])[:100],
}


@pytest.mark.parametrize("lie", SHARDS)
def test_a_shard_that_lies_is_refused(vault: Vault, store: Store, lie: str) -> None:
    brought(vault)
    with pytest.raises(RequestError):
        vault.add_shard(SHARDS[lie], "ann", nobody)
    assert not list(store.depot.keys("files"))
    assert not list(store.depot.keys("xet/files"))


def test_a_flipped_bit_anywhere_is_never_served(vault: Vault, tmp_path: Path) -> None:
    name = made(vault)
    plain = b"".join(chunk(one) for one in CONTENTS)
    files = [file for file in (tmp_path / "blobs").rglob("*") if file.is_file()]
    assert len(files) > 4
    for file in files:
        kept = file.read_bytes()
        if not kept:
            continue
        file.write_bytes(kept[:-1] + bytes((kept[-1] ^ 1,)))
        try:
            runs = vault.terms(name, 0, SIZE).terms
            served = b"".join(
                part for run in runs
                for part in vault.xorb_bytes(run.xorb, run.first_byte, run.last_byte)
            )  # fmt: skip
        except HeadstartError:
            served = plain
        assert served == plain, file
        file.write_bytes(kept)


def test_damage_to_what_is_not_yet_a_file_is_told(vault: Vault, tmp_path: Path) -> None:
    brought(vault)
    [raw] = [file for file in (tmp_path / "blobs/xet/raw").rglob("*") if file.is_file()]
    kept = raw.read_bytes()
    raw.write_bytes(kept[:50] + bytes((kept[50] ^ 1,)) + kept[51:])
    with pytest.raises(HeadstartError, match="damaged"):
        vault.add_shard(told(CONTENTS, [(NAME, 0, 6, SIZE)]), "ann", nobody)
    assert [one.key for one in vault.scrub()] == [f"xet/raw/{NAME[:2]}/{NAME}"]


def test_a_sweep_leaves_what_is_young_and_takes_what_is_old(vault: Vault, store: Store) -> None:
    brought(vault)
    vault.sweep(1000)
    assert vault.block(NAME) is not None
    vault.sweep(-1)
    assert vault.block(NAME) is None
    assert not list(store.depot.keys("xet"))


def test_runs_to_fetch_do_not_overlap(vault: Vault) -> None:
    parts = [CONTENTS[0], CONTENTS[1], CONTENTS[1], CONTENTS[2], CONTENTS[4]]
    terms = [(NAME, 0, 2, sum(LENGTHS[:2])), (NAME, 1, 3, sum(LENGTHS[1:3])),
             (NAME, 4, 5, LENGTHS[4])]  # fmt: skip
    brought(vault)
    [file] = vault.add_shard(told(parts, terms), "ann", nobody)
    runs = vault.terms(file.name, 0, file.content.size).terms
    found = together(runs)
    assert [(run.start, run.end) for run in found] == [(0, 3), (4, 5)]
    for run in found:
        raw = b"".join(vault.xorb_bytes(NAME, run.first_byte, run.last_byte))
        assert raw == b"".join(chunk(one) for one in CONTENTS[run.start : run.end])
