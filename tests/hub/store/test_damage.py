"""One byte changed anywhere in what is stored is never served as good, and scrub names it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from headstart.hub.store import piece as pieces
from headstart.hub.store.depot import depot_at
from headstart.hub.store.model import Damaged, Missing
from headstart.hub.store.pack import pack
from headstart.hub.store.recipe import key_of
from headstart.hub.store.scrub import Damage, scrub
from headstart.hub.store.store import Store

from .files import MIB, model, noise, sha256, whole

COUNTS = (20_000, 40, 40, 9_000)
BASE, TUNED = model(counts=COUNTS), model(counts=COUNTS, tuned=1e-4)
BINARY, SMALL = noise(4 * MIB + 100_000), noise(1000)
FILES = {sha256(data): data for data in (BASE, TUNED, BINARY, SMALL)}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Path]:
    """A store with pieces in every encoding, and files in pieces and in their recipes."""
    root = tmp_path_factory.mktemp("hub")
    store = Store(depot_at(str(root)))
    for data in FILES.values():
        store.add([data])
    pack(store, sha256(TUNED), sha256(BASE))
    pack(store, sha256(BASE))
    as_older_hubs_did(store, store.pieces(sha256(BINARY))[0].name)
    kinds = {store.depot.get(key)[4] for key in store.depot.keys("objects")}
    assert kinds == {0, 1, 2, 3}
    return store, root


def as_older_hubs_did(store: Store, name: str) -> None:
    store.depot.put(pieces.key_of(name), b"hsp\x01\x00", store.piece(name))


def objects(store: Store) -> list[str]:
    return [key for folder in ("objects", "files") for key in sorted(store.depot.keys(folder))]


def reads(store: Store, name: str) -> list[bytes]:
    """Return what each way to get at a file gives; b"" where it says that it is damaged."""
    ways: list[Callable[[], bytes]] = [
        lambda: whole(store, name),
        lambda: b"".join(store.read(name, 10, 2 * MIB)),
        lambda: b"".join(store.read(name, 90_000)),
        lambda: b"".join(bytes(store.piece(piece.name)) for piece in store.pieces(name)),
    ]
    found = []
    for way in ways:
        try:
            found.append(way())
        except Damaged:
            found.append(b"")
    return found


def expected(data: bytes) -> list[bytes]:
    return [data, data[10 : 2 * MIB], data[90_000:], data if len(data) > 65_536 else b""]


def places(size: int) -> list[int]:
    """Return where the fields are, some places between, and the last bytes."""
    some = {*range(0, 60, 3), 4, size // 3, size // 2, size - 33, size - 1}
    return sorted(some & set(range(size)))


def changed(path: Path, place: int, bit: int = 1) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        value = file.read(1)[0]
        file.seek(place)
        file.write(bytes([value ^ bit]))


@contextmanager
def replaced(path: Path, stored: bytes) -> Iterator[None]:
    """Let other bytes lie in an object's place for a while."""
    good = path.read_bytes()
    path.write_bytes(stored)
    try:
        yield
    finally:
        path.write_bytes(good)


def needing(store: Store, key: str) -> set[str]:
    """Return the files that need an object, worked out from the good store."""
    return {
        name
        for name in FILES
        if key == key_of(name)
        or any(
            key in (pieces.key_of(piece.name), pieces.key_of(pieces.base_of(stored) or ""))
            for piece in store.pieces(name)
            for stored in [store.stored(piece.name)]
        )
    }


def test_a_changed_byte_is_never_served(full: tuple[Store, Path]) -> None:
    store, root = full
    needed = {key: needing(store, key) for key in objects(store)}
    for key, files in needed.items():
        for place in places((root / key).stat().st_size):
            changed(root / key, place)
            for name in files:
                found = reads(store, name)
                assert found[0] == b"", (key, place)
                for came, good in zip(found, expected(FILES[name]), strict=True):
                    assert came in (b"", good)
            changed(root / key, place)
    assert scrub(store, deep=True) == []


def test_scrub_names_what_is_broken_and_the_files_hurt(full: tuple[Store, Path]) -> None:
    store, root = full
    for key in objects(store):
        files = needing(store, key)
        assert files
        for place in (0, 4, 30, (root / key).stat().st_size - 1):
            changed(root / key, place, bit=64)
            found = scrub(store)
            assert [damage.key for damage in found] == [key]
            assert set(found[0].files) == files
            changed(root / key, place, bit=64)


def test_a_recipe_in_anothers_place_is_no_recipe(full: tuple[Store, Path]) -> None:
    store, root = full
    one, other = (root / key_of(sha256(data)) for data in (BASE, BINARY))
    with replaced(one, other.read_bytes()):
        with pytest.raises(Damaged, match="another file"):
            store.read(sha256(BASE))
        with pytest.raises(Damaged):
            store.content(sha256(BASE))


def test_a_piece_in_anothers_place_is_no_piece(full: tuple[Store, Path]) -> None:
    store, root = full
    last = store.pieces(sha256(BINARY))[-1].name
    stored = b"".join(pieces.raw("ab" * 32, store.piece(last)))
    with replaced(root / pieces.key_of(last), stored), pytest.raises(Damaged, match="checksum"):
        store.piece(last)


def test_scrub_goes_by_the_name_whatever_the_checksum(full: tuple[Store, Path]) -> None:
    store, root = full
    last = store.pieces(sha256(BINARY))[-1].name
    stored = b"".join(pieces.raw(last, b"forged, and its checksum with it"))
    with replaced(root / pieces.key_of(last), stored):
        assert bytes(store.piece(last)).startswith(b"forged")
        with pytest.raises(Damaged, match="hash"):
            store.proved(last)
        [damage] = scrub(store)
        assert damage.why == "its content has another hash than its name"
        store.add([BINARY])  # as the error says: pushing the file again repairs it
        assert whole(store, sha256(BINARY)) == BINARY
        assert scrub(store) == []


@pytest.mark.parametrize("how", ["gone", "empty", "cut short", "longer", "unreadable"])
def test_scrub_names_what_is_gone_or_cut(
    local: Store, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for data in (BASE, TUNED, SMALL):
        local.add([data])
    pack(local, sha256(TUNED), sha256(BASE))
    key = pieces.key_of(local.pieces(sha256(BASE))[1].name)
    path, get = local.depot.scratch.parents[1] / key, local.depot.get
    stored = path.read_bytes()
    if how == "gone":
        path.unlink()
    elif how == "unreadable":

        def broken_disk(wanted: str) -> bytes:
            if wanted == key:
                raise OSError(5, "Input/output error")
            return get(wanted)

        monkeypatch.setattr(local.depot, "get", broken_disk)
    else:
        path.write_bytes({"empty": b"", "cut short": stored[:-1], "longer": stored + b"x"}[how])
    found = {damage.key: damage.files for damage in scrub(local)}
    assert found == {key: tuple(sorted((sha256(BASE), sha256(TUNED))))}
    for name in (sha256(BASE), sha256(TUNED)):
        with pytest.raises(Damaged) as caught:
            whole(local, name)
        assert caught.value.key == key
    assert whole(local, sha256(SMALL)) == SMALL


def test_what_comes_before_a_broken_piece_is_served_and_nothing_of_it(local: Store) -> None:
    local.add([BINARY])
    key = pieces.key_of(local.pieces(sha256(BINARY))[1].name)
    changed(local.depot.scratch.parents[1] / key, 1000)
    came = b""
    with suppress(Damaged):
        for chunk in local.read(sha256(BINARY)):
            came += chunk
    assert came == BINARY[: 4 * MIB]


def test_pushing_the_file_again_repairs_it(local: Store) -> None:
    for data in (BINARY, SMALL):
        local.add([data])
    root = local.depot.scratch.parents[1]
    for key in objects(local):
        changed(root / key, 3)
    assert local.renew(sha256(BINARY)) is None
    for data in (BINARY, SMALL):
        local.add([data])
        assert whole(local, sha256(data)) == data
    assert scrub(local, deep=True) == []


def test_scrub_tells_how_much_it_read_and_takes_strangers_for_damage(local: Store) -> None:
    local.add([BINARY])
    root = local.depot.scratch.parents[1]
    (root / "objects" / "leftover").write_text("")
    (root / "files" / "00").mkdir()
    (root / "files" / "00" / ("00" * 32 + ".bak")).write_text("")
    read: list[int] = []
    found = scrub(local, read.append, deep=True)
    assert sum(read) == 2 * len(BINARY)
    assert {(damage.key, damage.files) for damage in found} == {
        ("objects/leftover", ()),
        (f"files/00/{'00' * 32}.bak", ()),
    }


def test_a_store_with_nothing_in_it_is_clean(store: Store) -> None:
    found: list[Damage] = scrub(store, deep=True)
    assert found == []
    with pytest.raises(Missing):
        store.read("0" * 64)
