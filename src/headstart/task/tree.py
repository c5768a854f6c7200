"""The files of a folder or of a zip archive, seen alike."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from headstart.errors import RequestError
from headstart.task.model import Image

_CLUTTER = frozenset({"__macosx", "thumbs.db", "desktop.ini", "@eadir"})
# An archive is read into memory, not unpacked: these bound what that may take.
_MOST_BYTES = 2 * 2**30
_MOST_RATIO = 200  # deflate reaches 1,032; real text seldom 20
_MOST_FILES = 2_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree.

    Attributes:
        place: Its path inside the tree, component by component.
        path: The file on disk, or None inside an archive.
        data: The content if it came from an archive.
    """

    place: tuple[str, ...]
    path: Path | None = None
    data: bytes | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The path inside the tree with slashes."""
        # a name that is not UTF-8 on disk must not spoil the JSON it is shown in
        return "/".join(self.place).encode("utf-8", "replace").decode("utf-8")

    @property
    def suffix(self) -> str:
        """The suffix in lower case, with the dot."""
        return PurePosixPath(self.place[-1]).suffix.lower()

    def source(self) -> Path | bytes:
        """Return what to read the content from."""
        return self.path if self.path is not None else self.data or b""

    def read(self) -> bytes:
        """Return the content."""
        return self.path.read_bytes() if self.path is not None else self.data or b""

    def image(self) -> Image:
        """Return the file as an image that is decoded later."""
        return Image(path=self.path) if self.path is not None else Image(data=self.data)


def folder_tree(folder: Path) -> list[Entry]:
    """Return the files under ``folder`` in order of their paths, clutter left out."""
    return sorted(_walk(folder, (), {_identity(folder)}), key=lambda entry: entry.place)


def _walk(folder: Path, place: tuple[str, ...], above: set[tuple[int, int]]) -> Iterator[Entry]:
    try:
        with os.scandir(folder) as found:
            items = list(found)
    except OSError as error:
        raise RequestError(
            f"cannot read the folder: {error.strerror}",
            where=str(folder),
            mend="check its permissions",
        ) from error
    for item in items:
        if _is_clutter(item.name):
            continue
        here = (*place, item.name)
        if item.is_dir():
            identity = _identity(Path(item.path))
            if identity not in above:  # a link to a folder above would never end
                yield from _walk(Path(item.path), here, above | {identity})
        elif item.is_file():
            yield Entry(here, path=Path(item.path))


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _is_clutter(name: str) -> bool:
    return name.startswith(".") or name.lower() in _CLUTTER


def zip_tree(archive: Path) -> list[Entry]:
    """Return the files in a zip archive, content included, in order of their paths.

    Nothing is written to disk.

    Raises:
        RequestError: The archive is broken, encrypted, unsafe (paths that climb out, links) or
            far larger unpacked than packed.
    """
    where = archive.name
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            _refuse_unsafe(members, where)
            entries = [
                Entry(place, data=_content(opened, member, where))
                for member in members
                if not any(map(_is_clutter, place := PurePosixPath(_posix(member)).parts))
            ]
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise RequestError(
            f"the zip archive is broken: {error}",
            where=where,
            mend="copy or download it again; `unzip -t` lists what is damaged",
        ) from error
    return sorted(entries, key=lambda entry: entry.place)


def _posix(member: zipfile.ZipInfo) -> str:
    return member.filename.replace("\\", "/")


def _refuse_unsafe(members: list[zipfile.ZipInfo], where: str) -> None:
    for member in members:
        place = PurePosixPath(_posix(member))
        climbs = place.is_absolute() or ".." in place.parts or ":" in (place.parts or ("",))[0]
        if climbs or stat.S_ISLNK(member.external_attr >> 16):
            raise RequestError(
                f"the archive holds a path that leads outside it: {member.filename!r}",
                where=where,
                mend="do not trust this archive; pack the data again",
            )
        if member.flag_bits & 1:
            raise RequestError(
                f"the archive is encrypted ({member.filename!r} needs a password)",
                where=where,
                mend="unpack it with its password and give the folder",
            )
    _refuse_bomb(members, where)


def _refuse_bomb(members: list[zipfile.ZipInfo], where: str) -> None:
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    bomb = unpacked > 2**25 and unpacked > _MOST_RATIO * max(1, packed)
    if bomb or unpacked > _MOST_BYTES or len(members) > _MOST_FILES:
        raise RequestError(
            f"the archive unpacks to {unpacked:,} bytes in {len(members):,} files from "
            f"{packed:,} bytes: {'this looks like a zip bomb' if bomb else 'too much at once'}",
            where=where,
            mend="if you trust it, unpack it yourself and give the folder",
        )


def _content(opened: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> bytes:
    try:
        with opened.open(member) as stream:
            return stream.read(member.file_size + 1)
    except Exception as error:  # zlib.error, LZMAError, BadZipFile … share no other base
        raise RequestError(
            f"'{member.filename}' in the archive cannot be unpacked: {error}",
            where=where,
            mend="copy or download the archive again; `unzip -t` lists what is damaged",
        ) from error
