"""Full disks, kill -9 and many writers: nothing half-visible, nothing lost, nothing left over."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from headstart.errors import RequestError, UnwritableError
from headstart.hub.store.depot import checked, depot_at
from headstart.hub.store.model import Full
from headstart.hub.store.pack import pack
from headstart.hub.store.recipe import key_of
from headstart.hub.store.scrub import scrub
from headstart.hub.store.store import Store
from headstart.hub.store.sweep import sweep

from .files import MIB, model, noise, sha256, whole

KEPT, PUSHED = noise(5 * MIB, 1), noise(9 * MIB, 2)
CALLS = ("write", "fsync", "open")  # of os; renames go through pathlib


def failing_at(
    count: int, act: Callable[[], None], patch: Callable[[object, str, object], None]
) -> None:
    """Have ``act`` run before the ``count``-th call that changes the disk."""
    calls = [0]

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **more: object) -> object:
            calls[0] += 1
            if calls[0] == count:
                act()
            return real(*args, **more)

        return call

    for name in CALLS:
        patch(os, name, counted(getattr(os, name)))
    for name in ("replace", "mkdir", "unlink"):
        patch(Path, name, counted(getattr(Path, name)))


def leftovers(root: Path) -> list[Path]:
    return [
        path for path in (root / "scratch").rglob("*") if path.is_file() and path.name != "lock"
    ]


def test_a_full_disk_leaves_nothing_visible_and_the_store_intact(tmp_path: Path) -> None:
    """At every single call that writes, until a write goes through without meeting the end."""
    store = Store(depot_at(str(tmp_path / "hub")))
    store.add([KEPT])

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for count in range(1, 200):
        with pytest.MonkeyPatch.context() as patch:
            failing_at(count, full, patch.setattr)
            try:
                store.add([PUSHED[:MIB], PUSHED[MIB:]])
                break
            except Full:
                pass
        if store.content(sha256(PUSHED)) is not None:  # it failed after the last rename
            assert whole(store, sha256(PUSHED)) == PUSHED
            store.depot.delete(key_of(sha256(PUSHED)))
        assert whole(store, sha256(KEPT)) == KEPT
        assert leftovers(tmp_path / "hub") == []
        assert scrub(store, deep=True) == []
    assert 10 < count < 199
    assert whole(store, sha256(PUSHED)) == PUSHED


def in_a_child(work: Callable[[], None]) -> int:
    """Run ``work`` in a process of its own; return the signal that ended it, 0 if it was done."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def killed_at(count: int, work: Callable[[], None]) -> bool:
    """Run ``work`` in a child that is killed before its ``count``-th change; return whether."""

    def run() -> None:
        failing_at(count, lambda: os.kill(os.getpid(), signal.SIGKILL), setattr)
        work()

    return in_a_child(run) == signal.SIGKILL


def test_kill_9_at_any_moment_of_a_push_leaves_a_whole_file_or_none(tmp_path: Path) -> None:
    root = tmp_path / "hub"
    Store(depot_at(str(root))).add([KEPT])
    for count in range(1, 200):
        if not killed_at(count, lambda: Store(depot_at(str(root))).add([PUSHED])):  # type: ignore[arg-type,return-value]
            break
        store = Store(depot_at(str(root)))
        assert leftovers(root) == []
        if store.content(sha256(PUSHED)) is not None:
            assert whole(store, sha256(PUSHED)) == PUSHED
            store.depot.delete(key_of(sha256(PUSHED)))
        assert whole(store, sha256(KEPT)) == KEPT
        assert scrub(store, deep=True) == []
    assert 10 < count < 199
    assert whole(Store(depot_at(str(root))), sha256(PUSHED)) == PUSHED


def test_kill_9_at_any_moment_of_packing_or_sweeping_loses_nothing(tmp_path: Path) -> None:
    base, tuned = (model(counts=(20_000, 9_000), tuned=tuned) for tuned in (0, 1e-4))
    store = Store(depot_at(str(tmp_path / "hub")))
    works: list[Callable[[], object]] = [
        lambda: pack(store, sha256(tuned), sha256(base)),
        lambda: sweep(store, [sha256(tuned)], -1),
    ]
    for data in (base, tuned):
        store.add([data])
    for work in works:
        for count in range(1, 200):
            ended = not killed_at(count, work)  # type: ignore[arg-type]
            assert whole(store, sha256(tuned)) == tuned
            assert scrub(store, deep=True) == []
            if ended:
                break
        assert 3 < count < 199
    assert store.content(sha256(base)) is None


def test_what_living_processes_have_under_way_is_left_alone(tmp_path: Path) -> None:
    place = str(tmp_path / "hub")
    with Store(depot_at(place)).writer() as writer:
        writer.write(PUSHED)
        under_way = leftovers(tmp_path / "hub")
        assert under_way
        Store(depot_at(place)).add([KEPT])
        assert leftovers(tmp_path / "hub") == under_way
        writer.close()
    assert whole(Store(depot_at(place)), sha256(PUSHED)) == PUSHED
    assert leftovers(tmp_path / "hub") == []


def test_many_processes_keep_the_same_and_other_files_at_once(tmp_path: Path) -> None:
    place = str(tmp_path / "hub")
    shared = [noise(5 * MIB, seed) for seed in range(3)]

    def push(own: int) -> None:
        store = Store(depot_at(place))
        for data in (*shared, noise(4 * MIB + own, 100 + own)):
            kept = store.add([data], sha256=sha256(data), size=len(data))
            assert whole(store, kept.sha256) == data
            assert store.renew(kept.sha256) == kept
            sweep(store, [])

    children = []
    for own in range(6):
        child = os.fork()
        if child == 0:
            try:
                push(own)
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
    store = Store(depot_at(place))
    for data in (*shared, *(noise(4 * MIB + own, 100 + own) for own in range(6))):
        assert whole(store, sha256(data)) == data
    assert scrub(store, deep=True) == []
    assert leftovers(tmp_path / "hub") == []


def test_a_place_that_cannot_be_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableError, match="cannot be written"):
        depot_at(str(tmp_path / "file" / "hub"))
    for url in ("nothing://there", "ftps3://x/y"):
        with pytest.raises(RequestError, match="nothing can be kept"):
            depot_at(url)


@pytest.mark.parametrize(
    "key",
    ["", "objects", "../x", "objects/../x", "objects//x", "/x/y", "objects/.x", "objects/a\n",
     "a/" + "b" * 300],
)  # fmt: skip
def test_keys_stay_below_the_root(key: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        checked(key)


@pytest.mark.parametrize(("sha", "size"), [("x", None), ("A" * 64, None), (None, -1)])
def test_what_cannot_be_announced_is_refused(
    local: Store, sha: str | None, size: int | None
) -> None:
    with pytest.raises(RequestError):
        local.writer(sha256=sha, size=size)
