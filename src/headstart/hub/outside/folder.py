"""A base in a folder of this machine; nothing outside the folder is read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headstart.errors import RequestError
from headstart.hub.outside.model import OutsideFile

_PART = 4 * 2**20


@dataclass(frozen=True)
class Folder:
    """A base in a folder, or a single file of weights.

    Attributes:
        place: The folder, or the file.
        source: What it is called.
        licence: Its licence, where it is known.
    """

    place: Path
    source: str
    licence: str | None = None
    revision: None = None
    name: None = None

    def files(self) -> list[OutsideFile]:
        """Return the regular files of the folder; hidden folders as one name each.

        Raises:
            RequestError: There is no such folder, or a link leads out of it.
        """
        if self.place.is_file():
            return [OutsideFile(self.place.name, self.place.stat().st_size)]
        if not self.place.is_dir():
            raise RequestError("there is no such folder", where=str(self.place))
        return [self._file(path) for path in self._walked()]

    def read(self, file: OutsideFile) -> Iterator[bytes]:
        """Yield a file's bytes; what is no regular file within the folder is not opened."""
        path = self.place if self.place.is_file() else self._within(self.place / file.path)
        handle = os.open(path.resolve(), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as opened:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise RequestError("this is no regular file", where=str(path))
            while part := opened.read(_PART):
                yield part

    def _walked(self) -> Iterator[Path]:
        for folder, folders, names in os.walk(self.place):
            for name in sorted(folders):
                path = Path(folder) / name
                if name.startswith(".") or path.is_symlink():
                    folders.remove(name)
                    yield self._within(path)
            yield from (self._within(Path(folder) / name) for name in names)

    def _within(self, path: Path) -> Path:
        if not path.resolve().is_relative_to(self.place.resolve()):
            raise RequestError(
                f"{path.relative_to(self.place).as_posix()!r} is a link that leads out of the "
                "folder",
                where=str(self.place), mend="put the file itself there, or take the link away",
            )  # fmt: skip
        return path

    def _file(self, path: Path) -> OutsideFile:
        name = path.relative_to(self.place).as_posix()
        if not path.is_file():  # a folder, a pipe, a socket: its name is on no list of kinds
            return OutsideFile(f"{name}/", 0)
        return OutsideFile(name, path.stat().st_size)
