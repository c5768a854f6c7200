"""Which pieces are differences from which, so that a sweep keeps the latter.

A link is an empty object ``bases/ab/<base>/<piece>``, put before the piece becomes a difference.
One that stands for nothing any more does no harm: it keeps the base while the piece is there.
"""

from __future__ import annotations

from collections.abc import Iterator

from headstart.hub.store.depot import Depot

FOLDER = "bases"


def link(depot: Depot, base: str, piece: str) -> None:
    """Say that ``piece`` is, or is about to be, a difference from ``base``."""
    depot.put(f"{_folder(base)}/{piece}")


def unlink(depot: Depot, base: str, piece: str) -> None:
    """Say that it is none."""
    depot.delete(f"{_folder(base)}/{piece}")


def is_base(depot: Depot, name: str) -> bool:
    """Return whether any piece is, or is about to be, a difference from this one."""
    return next(depot.keys(_folder(name)), None) is not None


def links(depot: Depot) -> Iterator[tuple[str, str]]:
    """Give all pairs of base and piece."""
    for key in depot.keys(FOLDER):
        parts = key.split("/")
        if len(parts) == 4:
            yield parts[2], parts[3]


def link_age(depot: Depot, base: str, piece: str) -> float | None:
    """Return the seconds since a link was put; None if there is none."""
    return depot.age(f"{_folder(base)}/{piece}")


def _folder(base: str) -> str:
    return f"{FOLDER}/{base[:2]}/{base}"
