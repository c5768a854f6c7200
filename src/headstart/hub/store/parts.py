"""Parts of large files, each kept by itself until the whole is put together and proved.

They lie in the depot, so that any server may take them and a restart loses none; in chunks, so
that none is ever held in memory as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from types import TracebackType
from uuid import uuid4

from blake3 import blake3

from headstart.hub.store.depot import Depot
from headstart.hub.store.model import Mismatch, Missing

LINK_SECONDS = 24 * 3600
"""How long the parts of one upload may come."""

_LEFT_SECONDS = 2.0 * LINK_SECONDS  # what is older, nobody can complete any more
_CHUNK = 4 * 2**20
_FOLDER = "parts"


@dataclass(frozen=True)
class Part:
    """A part that has come whole.

    Attributes:
        number: From 1 on.
        attempt: Which of the times that it was sent, a random name.
        chunks: In how many pieces it lies.
        size: Bytes.
        etag: BLAKE3 of its content, 64 hex digits.
    """

    number: int
    attempt: str
    chunks: int
    size: int
    etag: str


class Parts:
    """The parts of one upload.

    Args:
        depot: Where they lie.
        upload: The upload's name, 32 hex digits.
    """

    def __init__(self, depot: Depot, upload: str) -> None:
        self._depot, self._upload = depot, upload

    def writer(self, number: int, size: int) -> PartWriter:
        """Return what takes a part; one that came before stays until this one is whole."""
        return PartWriter(self, number, size)

    def part(self, number: int) -> Part | None:
        """Return what is known of a part; None if it has not come whole."""
        try:
            return Part(**json.loads(self._depot.get(self._key(str(number)))))
        except (KeyError, ValueError, TypeError):
            return None

    def read(self, part: Part) -> Iterator[bytes]:
        """Give a part's bytes, a few megabytes at a time; they are proved with the whole.

        Raises:
            Missing: They are not there any more: it came again, or the upload is done.
        """
        for index in range(part.chunks):
            try:
                yield self._depot.get(self._chunk(part, index))
            except KeyError:
                raise Missing(f"part {part.number} is not there any more") from None

    def is_done(self) -> bool:
        """Whether the whole was put together: no part is taken any more."""
        return self._depot.age(self._key("done")) is not None

    def finish(self, count: int) -> None:
        """Take no part any more, and forget those that came."""
        self._depot.put(self._key("done"), b"")
        for number in range(1, count + 1):
            part = self.part(number)
            if part is not None:
                self._depot.delete(self._key(str(number)))
                self._forget(part)

    def add_chunk(self, number: int, attempt: str, index: int, data: bytes) -> None:
        """Keep the next bytes of a part that is coming; for its writer."""
        self._depot.put(self._key(f"{number}.{attempt}.{index}"), data)

    def show(self, part: Part) -> None:
        """Let a part count that has come whole, in place of one that came before."""
        before = self.part(part.number)
        self._depot.put(self._key(str(part.number)), json.dumps(asdict(part)).encode())
        if before is not None:
            self._forget(before)

    def drop(self, number: int, attempt: str, chunks: int) -> None:
        """Forget what came of a part that is not coming to its end."""
        self._forget(Part(number, attempt, chunks, 0, ""))

    def _forget(self, part: Part) -> None:
        for index in range(part.chunks):
            self._depot.delete(self._chunk(part, index))

    def _chunk(self, part: Part, index: int) -> str:
        return self._key(f"{part.number}.{part.attempt}.{index}")

    def _key(self, name: str) -> str:
        return f"{_FOLDER}/{self._upload[:2]}/{self._upload}.{name}"


class PartWriter:
    """Takes a part's bytes in any sizes; a context manager: without `close`, nothing has come."""

    def __init__(self, parts: Parts, number: int, size: int) -> None:
        self._parts, self._number, self._announced = parts, number, size
        self._attempt = uuid4().hex
        self._buffer = bytearray()
        self._hash = blake3()
        self._chunks = self._size = 0
        self._kept = False

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._kept:
            self._parts.drop(self._number, self._attempt, self._chunks)

    def write(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            Mismatch: More came than this part has.
            UnwritableError: No room (`Full`), or no permission.
        """
        self._size += len(data)
        if self._size > self._announced:
            raise self._wrong(f"more than {self._announced} bytes came")
        self._hash.update(data)
        self._buffer += data
        if len(self._buffer) >= _CHUNK:
            self._flush()

    def close(self) -> Part:
        """Let the part count.

        Raises:
            Mismatch: Fewer bytes came than this part has.
            UnwritableError: No room (`Full`), or no permission.
        """
        if self._size != self._announced:
            raise self._wrong(f"{self._announced} bytes were announced, {self._size} came")
        if self._buffer:
            self._flush()
        part = Part(
            self._number, self._attempt, self._chunks, self._size, self._hash.hexdigest()
        )  # fmt: skip
        self._parts.show(part)
        self._kept = True
        return part

    def _flush(self) -> None:
        self._parts.add_chunk(self._number, self._attempt, self._chunks, bytes(self._buffer))
        self._chunks += 1
        self._buffer = bytearray()

    def _wrong(self, what: str) -> Mismatch:
        return Mismatch(f"part {self._number}: {what}", mend="send this part again, all of it")


def sweep_parts(depot: Depot, older_seconds: float = _LEFT_SECONDS) -> int:
    """Delete what is left of uploads that nobody can complete any more; return the objects gone."""
    return sum(depot.discard(key, older_seconds) for key in depot.keys(_FOLDER))
