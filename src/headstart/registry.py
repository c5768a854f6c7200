"""A name-to-class registry that third parties extend through an entry point."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, TypeVar, cast

from headstart.errors import RequestError, nearest

T = TypeVar("T")


class Registry(Generic[T]):
    """Objects by name, imported only when asked for.

    Args:
        what: What the entries are, for error messages ("method").
        builtin: Name to ``"module:attribute"``; the import waits until the entry is used.
        group: Entry-point group through which other packages add entries.
    """

    def __init__(self, what: str, builtin: dict[str, str], group: str) -> None:
        self.what, self.group = what, group
        self._builtin = builtin
        self._external: dict[str, str] | None = None

    def _paths(self) -> dict[str, str]:
        if self._external is None:
            self._external = {e.name: e.value for e in entry_points(group=self.group)}
        return {**self._external, **self._builtin}

    def names(self) -> list[str]:
        """Return every registered name, built-in ones first, in registration order."""
        extra = [name for name in self._paths() if name not in self._builtin]
        return [*self._builtin, *extra]

    def __contains__(self, name: str) -> bool:
        return name in self._paths()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def get(self, name: str) -> T:
        """Return the entry called ``name``.

        Raises:
            RequestError: No entry has this name; the nearest is named.
        """
        paths = self._paths()
        if name not in paths:
            raise RequestError(f"unknown {self.what} '{name}'", mend=nearest(name, paths))
        module, _, attribute = paths[name].partition(":")
        return cast(T, getattr(import_module(module), attribute))
