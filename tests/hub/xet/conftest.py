"""Blocks and shards, made after the specification."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path

import lz4.frame
import numpy as np
import pytest

from headstart.hub.store.depot import depot_at
from headstart.hub.store.store import Store
from headstart.hub.xet.hashing import chunk_hash, digest_of, file_hash, text_of, xorb_hash
from headstart.hub.xet.vault import Vault

Term = tuple[str, int, int, int]
TAG = b"HFRepoMetaData\0" + bytes.fromhex("556967456a7b815783a5bdd95ccdd14aa9")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(depot_at(str(tmp_path / "blobs")))


@pytest.fixture
def vault(store: Store) -> Vault:
    return Vault(store)


def chunk(content: bytes, encoding: int = 0, length: int | None = None) -> bytes:
    """Return a chunk as it is stored in a block."""
    stored = content
    if encoding == 2:
        grouped = np.frombuffer(content, np.uint8)
        stored = b"".join(grouped[place::4].tobytes() for place in range(4))
    if encoding:
        stored = lz4.frame.compress(stored)
    told = len(content) if length is None else length
    return (
        b"\0" + len(stored).to_bytes(3, "little") + bytes((encoding,))
        + told.to_bytes(3, "little") + stored
    )  # fmt: skip


def nodes(contents: Sequence[bytes]) -> list[tuple[bytes, int]]:
    return [(chunk_hash(content), len(content)) for content in contents]


def block_name(contents: Sequence[bytes]) -> str:
    return text_of(xorb_hash(nodes(contents)))


def told(contents: Sequence[bytes], terms: Sequence[Term], **lies: str) -> bytes:
    """Return a shard that tells of one file with this content."""
    name = lies.get("name") or text_of(file_hash(nodes(contents)))
    sha256 = lies.get("sha256") or hashlib.sha256(b"".join(contents)).hexdigest()
    body = TAG + struct.pack("<QQ", 2, 0)
    body += digest_of(name) + struct.pack("<IIQ", 1 << 30, len(terms), 0)
    for xorb, start, end, length in terms:
        body += digest_of(xorb) + struct.pack("<IIII", 0, length, start, end)
    body += digest_of(sha256) + bytes(16)
    return body + (b"\xff" * 32 + bytes(16)) * 2
