"""A folder for what is under way that outlives its process by no more than one start."""

from __future__ import annotations

import fcntl
import os
import shutil
import weakref
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

_LOCK = "lock"


class Scratch:
    """One folder of this process below ``folder``; those of dead processes are deleted.

    Who lives is told by a lock, which the system frees however a process ends; a process's number
    would mean nothing in another container.

    Raises:
        OSError: The folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _clean(folder)
        self.path, lock = _locked(folder)
        weakref.finalize(self, os.close, lock)

    def fresh(self) -> Path:
        """Return a path in the folder where nothing is yet."""
        return self.path / uuid4().hex


def _locked(folder: Path) -> tuple[Path, int]:
    while True:
        own = folder / uuid4().hex
        own.mkdir()
        try:
            lock = os.open(own / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:
            continue  # another process cleaned between the making and the locking
        fcntl.flock(lock, fcntl.LOCK_EX)
        with suppress(OSError):
            if os.fstat(lock).st_ino == (own / _LOCK).stat().st_ino:
                return own, lock
        os.close(lock)


def _clean(folder: Path) -> None:
    for entry in folder.iterdir():
        with suppress(OSError):
            try:
                lock = os.open(entry / _LOCK, os.O_RDWR)
            except FileNotFoundError:
                entry.rmdir()  # its maker was killed; if it lives, it makes another
                continue
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _delete(entry)
            finally:
                os.close(lock)


def _delete(own: Path) -> None:
    """Delete a folder, the lock last: where there is none, there is nothing else either."""
    for entry in own.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != _LOCK:
            entry.unlink()
    (own / _LOCK).unlink()
    own.rmdir()
