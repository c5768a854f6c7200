"""Fine-tuned copies become smaller, never bigger, and come back byte for byte."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.hub.store import pack as packing
from headstart.hub.store import piece as pieces
from headstart.hub.store.links import links
from headstart.hub.store.model import Missing
from headstart.hub.store.pack import pack
from headstart.hub.store.planes import WIDTHS, spread, squeezed
from headstart.hub.store.store import Store

from .files import floats, model, noise, safetensors, sha256, stored_as, stored_bytes, whole


@pytest.mark.parametrize(("dtype", "share"), [("F32", 0.65), ("F16", 0.5), ("BF16", 0.3)])
def test_a_fine_tuned_copy_is_kept_as_what_changed(store: Store, dtype: str, share: float) -> None:
    base, tuned = model(dtype), model(dtype, tuned=1e-4)
    store.add([base])
    before = stored_bytes(store)
    store.add([tuned])
    naive = stored_bytes(store) - before
    saved = pack(store, sha256(tuned), sha256(base))
    assert stored_bytes(store) == before + naive - saved
    assert naive - saved < share * naive
    assert whole(store, sha256(tuned)) == tuned
    assert whole(store, sha256(base)) == base
    assert b"".join(store.read(sha256(tuned), 5, 4_500_000)) == tuned[5:4_500_000]


def test_without_a_base_the_bytes_of_numbers_are_put_in_planes(store: Store) -> None:
    data = model("BF16")
    store.add([data])
    saved = pack(store, sha256(data))
    assert saved > 0.2 * len(data)
    assert whole(store, sha256(data)) == data
    assert pack(store, sha256(data)) == 0
    again = model("BF16", tuned=1e-4)  # a base may lie in planes
    store.add([again])
    assert pack(store, sha256(again), sha256(data)) > 0.5 * len(again)
    assert whole(store, sha256(again)) == again


def test_a_prefix_before_the_names_does_not_matter(local: Store) -> None:
    base, tuned = model(), model(tuned=1e-4, prefix="bert.")
    for data in (base, tuned):
        local.add([data])
    assert pack(local, sha256(tuned), sha256(base)) > 0.35 * len(tuned)
    assert whole(local, sha256(tuned)) == tuned


def test_what_cannot_be_made_smaller_stays(local: Store) -> None:
    noises = [safetensors({"a": ("F32", (500_000,), noise(2_000_000, seed))}) for seed in (1, 2)]
    files = [*noises, noise(9_000_000), b"", model()[:5_000_000], (9).to_bytes(8, "little") + b"{"]
    for data in files:
        local.add([data])
    before = stored_bytes(local)
    for data in files[:4]:
        assert pack(local, sha256(data), sha256(noises[0])) == 0
    assert stored_bytes(local) == before
    for data in files:
        pack(local, sha256(data), sha256(noises[0]))
        assert whole(local, sha256(data)) == data
    assert stored_bytes(local) <= before
    with pytest.raises(Missing):
        pack(local, "0" * 64)


def test_other_shapes_and_types_are_no_base(local: Store) -> None:
    numbers = floats(500_000, 1)
    base = safetensors({"a": ("F32", (500_000,), numbers.tobytes())})
    flat = safetensors({"a": ("F32", (1000, 500), numbers.tobytes())}, other="header")
    half = safetensors({"a": ("BF16", (500_000,), stored_as("BF16", numbers))})
    for data in (base, flat, half):
        local.add([data])
        pack(local, sha256(data), sha256(base))
        assert whole(local, sha256(data)) == data
    assert not list(links(local.depot))


def test_generations_are_differences_from_the_first(local: Store) -> None:
    """A difference from a difference would cost every reader one object more."""
    generations = [model(tuned=tuned) for tuned in (0, 1e-5, 2e-5, 3e-5)]
    for data in generations:
        local.add([data])
    for child, parent in zip(generations[1:], generations, strict=False):
        assert pack(local, sha256(child), sha256(parent)) > 0.3 * len(child)
    first = {piece.name for piece in local.pieces(sha256(generations[0]))}
    assert {base for base, _ in links(local.depot)} <= first
    for data in generations:
        assert whole(local, sha256(data)) == data


def test_two_files_never_become_differences_from_each_other(local: Store) -> None:
    one, other = model(), model(tuned=1e-4)
    for data in (one, other):
        local.add([data])
    pack(local, sha256(other), sha256(one))
    pack(local, sha256(one), sha256(other))
    assert whole(local, sha256(one)) == one
    assert whole(local, sha256(other)) == other


def test_nor_when_two_processes_pack_them_at_once(local: Store) -> None:
    """The second runs wholly between the first one's look and its link, the worst moment."""
    one, other = model(), model(tuned=1e-4)
    for data in (one, other):
        local.add([data])
    link, inside = packing.link, []

    def late(depot: object, base: str, piece: str) -> None:
        if not inside:
            inside.append(True)
            pack(local, sha256(one), sha256(other))
        link(local.depot, base, piece)

    with patch.object(packing, "link", late):
        pack(local, sha256(other), sha256(one))
    assert inside
    assert whole(local, sha256(one)) == one
    assert whole(local, sha256(other)) == other


@settings(deadline=None)
@given(st.sampled_from(WIDTHS), st.integers(1, 200), st.booleans(), st.data())
def test_any_numbers_come_back(width: int, count: int, alone: bool, data: st.DataObject) -> None:
    size = width * count
    content = data.draw(st.binary(min_size=size, max_size=size))
    base = None if alone else data.draw(st.binary(min_size=size, max_size=size))
    assert bytes(spread(squeezed(content, base, width), base, width, size)) == content


def test_a_packed_piece_that_is_pushed_again_is_not_kept_twice(local: Store) -> None:
    base, tuned = model(), model(tuned=1e-4)
    for data in (base, tuned):
        local.add([data])
    pack(local, sha256(tuned), sha256(base))
    before = stored_bytes(local)
    local.add([tuned])
    assert stored_bytes(local) == before
    name = local.pieces(sha256(tuned))[1].name
    assert pieces.base_of(local.stored(name)) is not None
