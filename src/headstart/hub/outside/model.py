"""A base that lies outside the hub: its files, none of which was run or is believed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from headstart.errors import RequestError
from headstart.hub.errors import BadRequestError
from headstart.hub.gate.kinds import kind_of
from headstart.hub.gate.standard import Standard
from headstart.hub.registry.names import file_path

_KINDS = frozenset({"safetensors", "gguf", "json", "text", "card", "template", "tokenizer"})
_OUT = (".bin.index.json", "/")  # of pickles; folders, pipes and the like


@dataclass(frozen=True)
class OutsideFile:
    """A file, as its place tells of it.

    Attributes:
        path: From the base's root.
        size: Bytes.
        sha256: Of the content, where the place says so.
        oid: Git's blob id, where the place says so.
    """

    path: str
    size: int
    sha256: str | None = None
    oid: str | None = None


class Outside(Protocol):
    """A base at its place."""

    @property
    def source(self) -> str:
        """Where it comes from: a reference without a revision."""
        ...

    @property
    def revision(self) -> str | None:
        """The commit there; None where there are no commits."""
        ...

    @property
    def name(self) -> str | None:
        """What it is called there, ``owner/name``; None where it has no such name."""
        ...

    @property
    def licence(self) -> str | None:
        """Its licence, where the place knows what the card may not tell."""
        ...

    def files(self) -> list[OutsideFile]:
        """Return what is there."""
        ...

    def read(self, file: OutsideFile) -> Iterator[bytes]:
        """Yield a file's bytes."""
        ...


@dataclass(frozen=True)
class Choice:
    """What comes in, and what is left where it is."""

    files: tuple[OutsideFile, ...]
    left_out: tuple[str, ...]


def choose(outside: Outside, standard: Standard) -> Choice:
    """Return which files come in: weights that run no code, configurations, tokenizers, the card.

    Raises:
        RequestError: There are no such weights, or more than the standard lets through.
    """
    found = {one.path: one for one in outside.files()}
    allowed = _KINDS.intersection(standard.formats)
    kinds = {path: kind_of(path) for path in found}
    if "safetensors" in allowed.intersection(kinds.values()):
        allowed -= {"gguf"}  # the same weights once more
    files = [one for path, one in sorted(found.items())
             if kinds[path] in allowed and not path.endswith(_OUT)]  # fmt: skip
    left_out = tuple(sorted(found.keys() - {one.path for one in files}))
    if not any(kinds[one.path] in ("safetensors", "gguf") for one in files):
        raise RequestError(
            f"there are no weights that load without running code, among {_named(found)}",
            where=outside.source,
            mend="convert them to safetensors where you trust them, then import that folder",
        )
    _check_sizes(outside, files, standard)
    return Choice(tuple(files), left_out)


def _check_sizes(outside: Outside, files: list[OutsideFile], standard: Standard) -> None:
    limits = standard.size
    largest = max(files, key=lambda one: one.size)
    beyond = (
        f"{len(files)} files" if len(files) > limits.files
        else f"{largest.path!r} with {largest.size:,} bytes" if largest.size > limits.file_bytes
        else f"{total:,} bytes" if (total := sum(one.size for one in files)) > limits.bytes
        else None
    )  # fmt: skip
    if beyond:
        raise RequestError(
            f"the base has {beyond}: more than the standard '{standard.name}' lets through",
            where=outside.source, mend="raise 'size' in the standard",
        )  # fmt: skip
    for one in files:
        try:
            file_path(one.path)
        except BadRequestError as error:
            raise RequestError(error.what, where=outside.source) from None


def _named(found: Mapping[str, OutsideFile]) -> str:
    names = sorted(found)
    return ", ".join(map(repr, names[:8])) + (", …" if len(names) > 8 else "") or "no files"
