"""Look through everything that is stored, and name what is broken and the files that need it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from headstart.hub.store import piece as pieces
from headstart.hub.store import recipe as recipes
from headstart.hub.store.model import Damaged, Missing
from headstart.hub.store.recipe import Recipe, is_sha256
from headstart.hub.store.store import Store

Pace = Callable[[int], None]
"""Told how many bytes were read; waits if that was too fast."""


@dataclass(frozen=True)
class Damage:
    """One object that is broken.

    Args:
        key: The object, as the depot names it.
        why: What is wrong with it.
        files: The sha256 of every file that cannot be read for it, sorted.
    """

    key: str
    why: str
    files: tuple[str, ...]


def scrub(store: Store, pace: Pace | None = None, *, deep: bool = False) -> list[Damage]:
    """Verify every piece and recipe, also while the store is in use; return what is broken.

    Args:
        store: What to look through.
        pace: See `at_most`; None for as fast as it goes.
        deep: Also put every file together and compare its sha256. Pieces that files share are
            read once for each.
    """
    found = _Found()
    for key in store.depot.keys("objects"):
        _look_at_piece(store, key, found, pace)
    for key in store.depot.keys("files"):
        _look_at_file(store, key, found, pace, deep)
    return [
        Damage(key, why, tuple(sorted(found.files.get(key, ())))) for key, why in found.why.items()
    ]


def at_most(bytes_per_second: float) -> Pace:
    """Return a pace that reads no faster than this."""
    start, read = time.monotonic(), 0

    def wait(size: int) -> None:
        nonlocal read
        read += size
        time.sleep(max(0.0, start + read / bytes_per_second - time.monotonic()))

    return wait


class _Found:
    """What is broken, by the object at fault."""

    def __init__(self) -> None:
        self.why: dict[str, str] = {}
        self.files: dict[str, set[str]] = {}
        self.hurt: dict[str, str] = {}  # piece to the object at fault, which may be its base

    def add(self, damage: Damaged) -> None:
        self.why.setdefault(damage.key, damage.why)

    def add_file(self, key: str, sha256: str) -> None:
        self.files.setdefault(key, set()).add(sha256)


def _look_at_piece(store: Store, key: str, found: _Found, pace: Pace | None) -> None:
    name = key.rpartition("/")[2]
    if not is_sha256(name) or key != pieces.key_of(name):
        found.why[key] = "it has no name of a piece"
        return
    try:
        size = len(store.proved(name))
    except Damaged as damage:
        if store.depot.age(key) is not None:  # else it was swept meanwhile
            found.add(damage)
            found.hurt[name] = damage.key
        return
    if pace is not None:
        pace(size)


def _look_at_file(store: Store, key: str, found: _Found, pace: Pace | None, deep: bool) -> None:
    name = key.rpartition("/")[2]
    if not is_sha256(name) or key != recipes.key_of(name):
        found.why[key] = "it has no name of a file"
        return
    try:
        recipe = store.recipe(name)
    except Missing:
        return  # swept meanwhile
    except Damaged as damage:
        found.add(damage)
        found.add_file(key, name)
        return
    whole = True
    for piece in recipe.pieces:
        fault = found.hurt.get(piece.name)
        if fault is None and store.depot.age(pieces.key_of(piece.name)) is None:
            fault = pieces.key_of(piece.name)
            found.add(Damaged(fault, "it is not there, though a file needs it"))
        if fault is not None:
            whole = False
            found.add_file(fault, name)
    if whole and (deep or recipe.inline is not None):
        _put_together(store, key, recipe, found, pace)


def _put_together(store: Store, key: str, recipe: Recipe, found: _Found, pace: Pace | None) -> None:
    name = recipe.content.sha256
    state = hashlib.sha256()
    try:
        for chunk in store.read(name):
            state.update(chunk)
            if pace is not None:
                pace(len(chunk))
    except Missing:
        return
    except Damaged as damage:
        found.add(damage)
        found.add_file(damage.key, name)
        return
    if state.hexdigest() != name:
        found.add(Damaged(key, "its pieces make another file than its name says"))
        found.add_file(key, name)
