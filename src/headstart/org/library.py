"""Which profiles there are: packaged ones, those of a folder, and those of other packages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from headstart.errors import RequestError, nearest
from headstart.org.profile import Profile
from headstart.registry import Registry
from headstart.strict_yaml import read_yaml

DEFAULT = "transfer-learning"
FOLDER = "HEADSTART_PROFILES"
GROUP = "headstart.profiles"
_PACKAGED = Path(__file__).with_name("profiles")


def chosen_folder() -> Path | None:
    """Return the folder that the environment names (``HEADSTART_PROFILES``), or None."""
    named = os.environ.get(FOLDER, "").strip()
    return Path(named).expanduser() if named else None


class Library:
    """Profiles by their ids, read when they are asked for, again only after a change.

    A profile lies in a file ``ID.yaml``. Another package gives its own through the entry-point
    group ``headstart.profiles``: name = the id, value = a ``pathlib.Path`` of the file.

    Args:
        folder: Where more profiles lie; None for none.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._external: Registry[Path] = Registry("profile", {}, group=GROUP)
        self._read: dict[Path, tuple[int, int, Profile]] = {}

    def names(self) -> list[str]:
        """Return every profile's id, the packaged ones first.

        Raises:
            RequestError: The folder is none, or has a profile of a name that is taken.
        """
        own = [path.stem for path in self._files]
        taken = [name for name in own if name in self._packaged]
        if taken:
            raise RequestError(
                f"a profile called '{taken[0]}' is packaged already",
                where=f"{self.folder} ({FOLDER})",
                mend="rename the file, and the id in it",
            )
        named = [*self._packaged, *own]
        return [*named, *(name for name in self._external if name not in named)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def get(self, name: str) -> Profile:
        """Return a profile by its id.

        Raises:
            RequestError: There is none of this name, or its file is not what it should be.
        """
        if name not in (names := self.names()):
            raise RequestError(f"unknown profile '{name[:60]}'", mend=nearest(name, names))
        path = self._path(name)
        try:
            status = path.stat()
        except OSError as error:
            raise RequestError(f"profile '{name}' cannot be read", where=str(path)) from error
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._read.get(path)
        if known is None or known[:2] != stamp:
            known = (*stamp, self._checked(name, path))
            self._read[path] = known
        return known[2]

    def _checked(self, name: str, path: Path) -> Profile:
        profile = read_yaml(path, Profile)
        if profile.id != name:
            raise RequestError(
                f"the profile calls itself '{profile.id}', its place says '{name}'",
                where=str(path),
                mend="give file (or entry point) and id one name",
            )
        return profile

    def _path(self, name: str) -> Path:
        if name in self._packaged:
            return self._packaged[name]
        own = next((path for path in self._files if path.stem == name), None)
        return own if own is not None else Path(self._external.get(name))

    @cached_property
    def _packaged(self) -> dict[str, Path]:
        return {path.stem: path for path in sorted(_PACKAGED.glob("*.yaml"))}

    @property
    def _files(self) -> list[Path]:
        if self.folder is None:
            return []
        if not self.folder.is_dir():
            raise RequestError(
                "the folder of profiles is not there",
                where=f"{self.folder} ({FOLDER})",
                mend=f"make it, or unset {FOLDER}",
            )
        return sorted(path for path in self.folder.glob("*.yaml") if path.is_file())
