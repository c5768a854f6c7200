"""Files go in in any chunks and come back byte for byte, whole and in ranges."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from headstart.hub.store.model import Content, Mismatch, Missing
from headstart.hub.store.store import Store

from .files import noise

SIZES = (0, 1, 65_536, 65_537, 4 * 2**20, 4 * 2**20 + 1, 9 * 2**20)


def test_files_of_all_sizes_come_back(store: Store) -> None:
    for size in SIZES:
        data = noise(size)
        kept = store.add([data[:1000], b"", data[1000:]])
        oid = hashlib.sha1(b"blob %d\0" % size + data).hexdigest()
        assert kept == Content(hashlib.sha256(data).hexdigest(), size, oid)
        assert store.content(kept.sha256) == kept
        assert b"".join(store.read(kept.sha256)) == data
        assert sum(piece.size for piece in store.pieces(kept.sha256)) in (0, size)


def test_a_file_too_large_for_git_has_no_git_name(local: Store) -> None:
    assert local.add([bytes(16 * 2**20)]).oid is not None
    assert local.add([bytes(16 * 2**20 + 1)]).oid is None


def test_what_is_not_as_announced_is_refused_and_leaves_nothing(
    local: Store, tmp_path: Path
) -> None:
    data = noise(5 * 2**20)
    name = hashlib.sha256(data).hexdigest()
    for wrong in ({"sha256": "0" * 64}, {"size": len(data) - 1}, {"size": len(data) + 1}):
        with pytest.raises(Mismatch):
            local.add([data], **wrong)  # type: ignore[arg-type]
    assert local.content(name) is None
    assert not list(local.depot.keys("objects"))
    assert [path.name for path in (tmp_path / "hub" / "scratch").rglob("*") if path.is_file()] == [
        "lock"
    ]


def test_too_many_bytes_are_refused_at_once(store: Store) -> None:
    with store.writer(size=10) as writer:
        writer.write(bytes(10))
        with pytest.raises(Mismatch, match="more than 10"):
            writer.write(b"x")
        with pytest.raises(ValueError, match="closed"):
            writer.close()


@pytest.mark.parametrize("name", ["0" * 64, "", "../../etc/passwd", "A" * 64, "0" * 63 + "\n"])
def test_a_file_that_is_not_kept_is_missing(store: Store, name: str) -> None:
    assert store.content(name) is None
    with pytest.raises(Missing):
        store.read(name)
