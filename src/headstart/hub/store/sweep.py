"""Delete what nothing speaks of any more, never what is just being pushed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from headstart.hub.store import piece as pieces
from headstart.hub.store.depot import Depot
from headstart.hub.store.links import link_age, links, unlink
from headstart.hub.store.model import Missing
from headstart.hub.store.recipe import is_sha256
from headstart.hub.store.store import Store


@dataclass(frozen=True)
class Swept:
    """How many files went, and how many pieces."""

    files: int
    pieces: int


def sweep(store: Store, live: Iterable[str], grace_seconds: float | None = None) -> Swept:
    """Delete files that are not ``live``, and pieces of no file, that are older than the grace.

    What is in use is never older: a writer that meets an old piece makes it young, and so does
    `Store.renew`; the age is looked at in the moment of deletion. Safe beside readers, writers,
    packing, and another sweep.

    Args:
        store: What to sweep.
        live: The sha256 of every file that something speaks of.
        grace_seconds: The store's own where None. Less than that takes what is being pushed.

    Raises:
        Damaged: A recipe is broken, so that nobody knows what it needs. Nothing more is deleted.
        UnwritableError: Nothing can be deleted there.
    """
    grace = store.grace_seconds if grace_seconds is None else grace_seconds
    store.depot.recover()
    named = {bytes.fromhex(name) for name in live}
    files = 0
    for key in store.depot.keys("files"):
        name = key.rpartition("/")[2]
        if is_sha256(name) and bytes.fromhex(name) not in named:
            files += store.depot.discard(key, grace)
    needed = _needed(store, grace)
    gone = 0
    for key in store.depot.keys("objects"):
        name = key.rpartition("/")[2]
        if is_sha256(name) and bytes.fromhex(name) not in needed:
            gone += store.depot.discard(key, grace)
    _unlink(store.depot, grace)
    return Swept(files, gone)


def _needed(store: Store, grace: float) -> set[bytes]:
    """Return the pieces that files need, and those that kept pieces are differences from."""
    needed: set[bytes] = set()
    for key in store.depot.keys("files"):
        name = key.rpartition("/")[2]
        if not is_sha256(name):
            continue
        try:
            needed.update(bytes.fromhex(piece.name) for piece in store.pieces(name))
        except Missing:
            continue  # another sweep was quicker
    pairs = [(base, piece) for base, piece in links(store.depot) if is_sha256(base)]
    more = True
    while more:  # a base may itself be a difference
        more = False
        for base, piece in pairs:
            raw = bytes.fromhex(base)
            if raw not in needed and _stays(store.depot, piece, needed, grace):
                needed.add(raw)
                more = True
    return needed


def _stays(depot: Depot, piece: str, needed: set[bytes], grace: float) -> bool:
    if not is_sha256(piece):
        return False
    if bytes.fromhex(piece) in needed:
        return True
    age = depot.age(pieces.key_of(piece))
    return age is not None and age < grace


def _unlink(depot: Depot, grace: float) -> None:
    for base, piece in list(links(depot)):
        age = link_age(depot, base, piece)
        if age is not None and age > grace and depot.age(pieces.key_of(piece)) is None:
            unlink(depot, base, piece)
