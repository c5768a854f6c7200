"""A revision's files in a folder, for as long as they are looked at."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headstart.hub.hub import Hub
from headstart.hub.registry import trees
from headstart.hub.registry.model import Commit

_PREFIX = "gate-"
_FORGOTTEN = 24 * 3600  # seconds; no gate takes so long


@contextmanager
def laid_out(hub: Hub, commit: Commit | None) -> Iterator[Path]:
    """Give a folder with a commit's files; an empty one for None."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=hub.root) as place:
        folder = Path(place)
        tree = commit.tree if commit else trees.EMPTY
        for entry in hub.database.read(lambda c: trees.entries(c, tree)).values():
            file = folder / entry.path
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as out:
                for part in hub.store.read(entry.sha256):
                    out.write(part)
            file.chmod(0o444)
        yield folder


def clear(root: Path) -> None:
    """Delete what a gate whose process was killed left in the hub's folder."""
    for place in root.glob(f"{_PREFIX}*"):
        if place.is_dir() and time.time() - place.stat().st_mtime > _FORGOTTEN:
            shutil.rmtree(place, ignore_errors=True)
