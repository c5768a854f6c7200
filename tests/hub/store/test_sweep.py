"""A sweep takes what nothing speaks of and nobody pushes, and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from headstart.hub.store.depot import depot_at
from headstart.hub.store.local import LocalDepot
from headstart.hub.store.model import GRACE_SECONDS, Damaged
from headstart.hub.store.pack import pack
from headstart.hub.store.recipe import key_of
from headstart.hub.store.scrub import scrub
from headstart.hub.store.store import Store
from headstart.hub.store.sweep import Swept, sweep

from .files import MIB, model, noise, sha256, whole

DAY = 86400.0
COUNTS = (20_000, 9_000)
ONE, OTHER = noise(5 * MIB, 1), noise(5 * MIB, 2)


def root_of(store: Store) -> Path:
    return store.depot.scratch.parents[1]


def aged(store: Store, days: float) -> None:
    """Make everything that is stored ``days`` older."""
    for folder in ("objects", "files", "bases"):
        for key in store.depot.keys(folder):
            path = root_of(store) / key
            at = path.stat().st_mtime - days * DAY
            os.utime(path, (at, at))


def test_what_is_live_or_young_stays(local: Store) -> None:
    local.add([ONE])
    aged(local, 29)
    local.add([OTHER])
    assert sweep(local, []) == Swept(1, 2)
    assert local.content(sha256(ONE)) is None
    assert whole(local, sha256(OTHER)) == OTHER
    aged(local, 29)
    assert sweep(local, [sha256(OTHER)]) == Swept(0, 0)
    assert whole(local, sha256(OTHER)) == OTHER
    assert sweep(local, []) == Swept(1, 2)
    assert not [*local.depot.keys("objects"), *local.depot.keys("files")]


def test_every_depot_is_swept(store: Store) -> None:
    store.add([ONE])
    assert sweep(store, [], 3600) == Swept(0, 0)
    assert sweep(store, [sha256(ONE)], -3600) == Swept(0, 0)
    assert sweep(store, [], -3600) == Swept(1, 2)
    assert store.content(sha256(ONE)) is None
    store.add([ONE])
    assert whole(store, sha256(ONE)) == ONE


def test_a_piece_that_two_files_share_stays_for_the_other(local: Store) -> None:
    local.add([ONE])
    longer = ONE[: 4 * MIB] + OTHER
    local.add([longer])
    aged(local, 29)
    assert sweep(local, [sha256(longer)]) == Swept(1, 1)
    assert whole(local, sha256(longer)) == longer


def test_a_file_that_is_pushed_again_before_it_is_swept_is_young(local: Store) -> None:
    local.add([ONE])
    aged(local, 29)
    with local.writer() as writer:
        writer.write(ONE[: 4 * MIB + 1])  # the first piece is met, the file is not yet there
        assert sweep(local, []) == Swept(1, 1)
        writer.write(ONE[4 * MIB + 1 :])
        writer.close()
    assert whole(local, sha256(ONE)) == ONE
    assert sweep(local, []) == Swept(0, 0)


def test_what_a_client_need_not_send_again_is_young(local: Store) -> None:
    base, tuned = model(counts=COUNTS), model(counts=COUNTS, tuned=1e-4)
    for data in (base, tuned):
        local.add([data])
    pack(local, sha256(tuned), sha256(base))
    aged(local, 29)
    kept = local.renew(sha256(tuned))
    assert kept is not None
    assert kept.size == len(tuned)
    assert sweep(local, []).files == 1  # the base's file, but not what the other needs of it
    assert whole(local, sha256(tuned)) == tuned
    assert local.renew(sha256(base)) is None


def test_the_base_of_a_difference_stays_as_long_as_the_difference(local: Store) -> None:
    base, tuned = model(counts=COUNTS), model(counts=COUNTS, tuned=1e-4)
    for data in (base, tuned):
        local.add([data])
    pack(local, sha256(tuned), sha256(base))
    aged(local, 29)
    assert sweep(local, [sha256(tuned)]).files == 1
    assert whole(local, sha256(tuned)) == tuned
    assert scrub(local, deep=True) == []
    assert sweep(local, []).files == 1
    assert not list(local.depot.keys("objects"))
    assert not list(local.depot.keys("bases"))


def test_a_base_that_is_older_than_its_difference_stays_for_a_push_of_it(local: Store) -> None:
    """The difference is too young to be renewed, its base grows too old while the push runs."""
    base, tuned = model(counts=COUNTS), model(counts=COUNTS, tuned=1e-4)
    local.add([base])
    aged(local, 13.5)
    local.add([tuned])
    pack(local, sha256(tuned), sha256(base))
    aged(local, 13.9)
    for data in (base, tuned):
        local.depot.delete(key_of(sha256(data)))
    with local.writer() as writer:
        writer.write(tuned)
        aged(local, 1)
        sweep(local, [])
        writer.close()
    assert whole(local, sha256(tuned)) == tuned


def test_an_object_that_becomes_young_in_the_last_moment_stays(
    local: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A push meets it after the sweep looked at its age and before it takes it away."""
    local.add([ONE])
    aged(local, 29)
    assert isinstance(local.depot, LocalDepot)
    age = local.depot.age

    def renewed_after(key: str) -> float | None:
        found = age(key)
        local.depot.put(key, local.depot.get(key))
        return found

    monkeypatch.setattr(local.depot, "age", renewed_after)
    assert sweep(local, []) == Swept(0, 0)
    assert whole(local, sha256(ONE)) == ONE


def test_a_sweep_that_is_killed_loses_nothing(local: Store) -> None:
    """What it had set aside is read all the same, and put back by the next."""
    local.add([ONE])
    root = root_of(local)
    for key in [*local.depot.keys("objects"), *local.depot.keys("files")]:
        (root / "aside" / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).rename(root / "aside" / key)
    assert whole(local, sha256(ONE)) == ONE
    assert sweep(local, [sha256(ONE)]) == Swept(0, 0)
    assert not [path for path in (root / "aside").rglob("*") if path.is_file()]
    assert whole(local, sha256(ONE)) == ONE


def test_a_broken_recipe_stops_the_sweep(local: Store) -> None:
    local.add([ONE])
    local.add([OTHER])
    path = root_of(local) / key_of(sha256(ONE))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    aged(local, 29)
    with pytest.raises(Damaged):
        sweep(local, [sha256(ONE)])
    assert len(list(local.depot.keys("objects"))) == 4


def test_a_renewal_waits_out_a_remote_discard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The discard has looked at the age, and deletes after the new object was put."""
    depot = depot_at("memory://discards")
    key, mark = "objects/ab/piece", "discarding/objects/ab/piece"
    depot.put(key, b"old")
    depot.put(mark)
    waits: list[float] = []

    def the_discard_ends(seconds: float) -> None:
        waits.append(seconds)
        depot.delete(key)
        depot.delete(mark)

    monkeypatch.setattr(time, "sleep", the_discard_ends)
    depot.renew(key, b"new")
    assert waits
    assert depot.get(key) == b"new"


def test_the_grace_is_longer_than_clients_remember() -> None:
    assert GRACE_SECONDS > 21 * DAY
    assert Store(depot_at("memory://grace")).grace_seconds == GRACE_SECONDS
