"""What the hub that is mirrored says it has: revisions and their files, taken with care."""

from __future__ import annotations

import hashlib
import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, Field, ValidationError

from headstart.hub.errors import BadRequestError
from headstart.hub.mirror.errors import UpstreamError
from headstart.hub.mirror.wire import Wire, unreachable
from headstart.hub.registry.model import Kind
from headstart.hub.registry.names import check_together, file_path

_JSON = 32 * 1024 * 1024
_PART = 1024 * 1024
_SLOWEST = 100_000  # bytes a second, below which an upstream is let go
_PATIENCE = 300.0
_SHA1, _SHA256 = r"^[0-9a-f]{40}$", r"^[0-9a-f]{64}$"


class Told(BaseModel):
    """A revision, as the other hub tells of it."""

    id: str = Field(max_length=200)
    sha: str = Field(pattern=_SHA1)


class Large(BaseModel):
    """A large file's content."""

    oid: str = Field(pattern=_SHA256)
    size: int = Field(ge=0, lt=2**50)


class File(BaseModel):
    """A file of a revision, as the other hub tells of it."""

    type: str
    path: str
    oid: str = Field(pattern=_SHA1)
    size: int = Field(default=0, ge=0, lt=2**50)
    lfs: Large | None = None

    @property
    def bytes(self) -> int:
        """How long the content is."""
        return self.lfs.size if self.lfs else self.size


@dataclass(frozen=True)
class Limits:
    """What is taken of one revision at most."""

    bytes: int = 200 * 10**9
    files: int = 10_000


class Upstream:
    """A hub that speaks the protocol, whose content is believed only once it was checked.

    Args:
        wire: The way to it.
        limits: What is taken from it.
    """

    def __init__(self, wire: Wire, limits: Limits | None = None) -> None:
        self._wire, self._limits = wire, limits or Limits()

    @property
    def address(self) -> str:
        """Where it is."""
        return self._wire.address

    def revision(self, kind: Kind, name: str, revision: str) -> Told:
        """Return what a revision's name means there.

        Raises:
            NotThereError: No such repo or revision.
            UpstreamError: It is out of reach, or its answer is no good.
        """
        path = f"/api/{kind}s/{quote(name)}/revision/{quote(revision, safe='')}"
        found, _ = self._json(path)
        try:
            return Told.model_validate(found)
        except ValidationError:
            raise _nonsense("a revision") from None

    def files(self, kind: Kind, name: str, sha: str) -> list[File]:
        """Return the files of a commit.

        Raises:
            UpstreamError: As :meth:`revision`; or there are too many, or at no good paths.
        """
        page: str | None = f"/api/{kind}s/{quote(name)}/tree/{sha}?recursive=true&expand=false"
        found: list[File] = []
        pages = 0
        while page is not None:
            listed, page = self._json(page)
            found += _files(listed)
            pages += 1
            if max(len(found), pages) > self._limits.files:
                raise _beyond(name, f"{self._limits.files:,} files")
        if sum(one.bytes for one in found) > self._limits.bytes:
            raise _beyond(name, f"{self._limits.bytes / 1e9:,.0f} GB")
        try:
            check_together([file_path(one.path) for one in found])
        except BadRequestError as error:
            raise UpstreamError(f"'{name}' cannot be mirrored: {error.what}") from None
        if len({one.path for one in found}) != len(found):
            raise _nonsense("a list of files")
        return found

    def content(self, kind: Kind, name: str, sha: str, file: File) -> Iterator[bytes]:
        """Yield a file's bytes; the last of them only after all were seen to be right.

        Raises:
            UpstreamError: It has another size or hash than was said, comes too slowly, or breaks.
        """
        before = "" if kind is Kind.MODEL else f"{kind}s/"
        with self._wire.get(f"/{before}{quote(name)}/resolve/{sha}/{quote(file.path)}") as answer:
            state = _hash_of(file)
            until = time.monotonic() + _PATIENCE + file.bytes / _SLOWEST
            held, size = b"", 0
            for part in _parts(answer):
                state.update(part)
                size += len(part)
                if size > file.bytes or time.monotonic() > until:
                    break
                yield held
                held = part
            wanted = file.lfs.oid if file.lfs else file.oid
            if size != file.bytes or state.hexdigest() != wanted:
                raise UpstreamError(
                    f"'{name}' cannot be mirrored: the content of {file.path[:200]!r} is not what "
                    "its hub says it is"
                )
            yield held

    def _json(self, path: str) -> tuple[Any, str | None]:
        with self._wire.get(path) as answer:
            data = b"".join(_parts(answer, _JSON))
            following = _next(answer.getheader("Link"))
        try:
            return json.loads(data), following
        except (ValueError, RecursionError):
            raise _nonsense("an answer") from None


def _parts(answer: http.client.HTTPResponse, most: int | None = None) -> Iterator[bytes]:
    """Yield what comes, as it comes."""
    size, until = 0, time.monotonic() + _PATIENCE
    try:
        while part := answer.read1(_PART):
            size += len(part)
            if most is not None and (size > most or time.monotonic() > until):
                raise _nonsense("an answer")
            yield part
    except (OSError, http.client.HTTPException) as error:
        raise unreachable(error) from error


def _hash_of(file: File) -> Any:
    if file.lfs:
        return hashlib.sha256()
    return hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)


def _files(listed: Any) -> list[File]:
    try:
        return [
            File.model_validate(one)
            for one in listed
            if isinstance(one, dict) and one.get("type") == "file"
        ]
    except (ValidationError, TypeError):
        raise _nonsense("a list of files") from None


def _next(link: str | None) -> str | None:
    """Return the address of the next page, from a ``Link`` header (RFC 8288)."""
    for one in (link or "").split(","):
        place, _, rest = one.strip().partition(">")
        if place.startswith("<") and 'rel="next"' in rest:
            return place[1:] if urlsplit(place[1:]).scheme else None
    return None


def _nonsense(what: str) -> UpstreamError:
    return UpstreamError(f"the hub that is mirrored sent {what} that cannot be understood")


def _beyond(name: str, what: str) -> UpstreamError:
    return UpstreamError(f"'{name}' cannot be mirrored: it has more than {what}")
