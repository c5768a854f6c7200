"""The vault: blocks as they come, until files are made of them; then the files' own bytes.

A block (xorb) is kept as it came only until all its chunks are part of a file in the store. From
then on it is a list of places in files, and is served again in the plain encoding, made on the
fly: so bytes are stored once, whichever way they came. Clients remember blocks for three weeks
and later refer to them by name; that is why the lists stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from headstart.errors import RequestError
from headstart.hub.store.model import Content, Damaged
from headstart.hub.store.scrub import Damage
from headstart.hub.store.store import Store
from headstart.hub.xet import record, shard, xorb
from headstart.hub.xet.block import Block, Place
from headstart.hub.xet.hashing import chunk_hash, digest_of, file_hash, text_of
from headstart.hub.xet.shard import Term, Told

MOST_CHUNKS = 2**22
"""Chunks of one file: 256 GiB at their usual 64 KiB. A small shard must not cause endless work."""


@dataclass(frozen=True)
class XetFile:
    """A file that came by Xet: its hash there, and its content."""

    name: str
    content: Content


@dataclass(frozen=True)
class Run:
    """A term as it is answered: chunks of a block, and where they lie in its plain form.

    Attributes:
        xorb: The block.
        start: First chunk.
        end: One past the last chunk.
        length: Bytes of content.
        first_byte: Of the block's plain form.
        last_byte: Of the block's plain form, inclusive.
    """

    xorb: str
    start: int
    end: int
    length: int
    first_byte: int
    last_byte: int


@dataclass(frozen=True)
class Reconstruction:
    """Of which runs a range of a file is made; ``offset`` bytes of the first come before it."""

    offset: int
    terms: tuple[Run, ...]


def together(runs: Iterable[Run]) -> list[Run]:
    """Return runs of one block, none overlapping another: clients take the first that fits."""
    found: list[Run] = []
    for run in sorted(runs, key=lambda run: (run.start, run.end)):
        last = found[-1] if found else None
        if last is None or run.start > last.end:
            found.append(run)
        elif run.end > last.end:
            found[-1] = replace(last, end=run.end, length=0, last_byte=run.last_byte)
    return found


class Vault:
    """What came by Xet; safe for many threads and processes.

    Args:
        store: Where files are kept; the vault's own objects lie in its depot under ``xet``.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._depot = store, store.depot

    def add_xorb(self, name: str, body: bytes, owner: str) -> None:
        """Keep a block that an owner has brought.

        Raises:
            RequestError: It is none, or not the one it is called.
        """
        chunks = xorb.parse(name, body)
        if self.block(name) is None:
            self._depot.put(_raw(name), body)
            record.put(
                self._depot,
                _block(name),
                [
                    [one.digest.hex(), one.length, one.start, one.stop, one.encoding]
                    for one in chunks
                ],
            )
        record.put(self._depot, _owner(name, owner), owner)

    def add_shard(self, body: bytes, owner: str, may_use: Callable[[str], bool]) -> list[XetFile]:
        """Make files of blocks.

        Args:
            body: The shard.
            owner: Who brings it.
            may_use: Whether the owner could have a file, by its sha256, that another block's
                chunks are part of.

        Raises:
            RequestError: It refers to what is not there or not the owner's, or lies.
        """
        return [self._make(told, owner, may_use) for told in shard.parse(body)]

    def file(self, name: str) -> Content | None:
        """Return the content of a file by its hash in Xet; None if there is none."""
        found = record.get(self._depot, _file(name)) if _is_hash(name) else None
        return None if found is None else self._store.content(str(found["sha256"]))

    def hash_of(self, sha256: str) -> str | None:
        """Return the hash in Xet of a file that came by it; None for others."""
        found = record.get(self._depot, f"xet/sha256/{sha256[:2]}/{sha256}")
        return None if found is None else str(found)

    def terms(self, name: str, start: int, stop: int) -> Reconstruction:
        """Return of which runs the bytes from ``start`` to before ``stop`` of a file are made."""
        found = record.get(self._depot, _file(name))
        if found is None:
            raise RequestError("no such file came by Xet", where=name)
        runs: list[Run] = []
        offset, at = 0, 0
        for told in found["terms"]:
            term = Term(*told)
            if at < stop and at + term.length > start:
                run, before = self._run(term, max(0, start - at), min(term.length, stop - at))
                if not runs:
                    offset = max(0, start - at) - before
                runs.append(run)
            at += term.length
        return Reconstruction(offset, tuple(runs))

    def xorb_size(self, name: str) -> int | None:
        """Return how long a block's plain form is; None if there is no such block."""
        block = self.block(name) if _is_hash(name) else None
        return None if block is None else block.offset(len(block.chunks))

    def xorb_bytes(self, name: str, first: int, last: int) -> Iterator[bytes]:
        """Yield bytes of a block's plain form, ``last`` inclusive, each chunk proved first.

        Raises:
            Damaged: What is stored is not what it should be.
        """
        block = self._block(name)
        start, end = block.around(first, last)
        at = block.offset(start)
        for chunk, content in zip(
            block.chunks[start:end], self._contents(block, start, end), strict=True
        ):
            whole = xorb.plain_header(chunk.length) + content
            yield whole[max(0, first - at) : last + 1 - at]
            at += len(whole)

    def scrub(self) -> list[Damage]:
        """Return what is broken among the vault's own objects."""
        found: list[Damage] = []
        for kind in ("xorbs", "places", "owners", "files", "sha256"):
            for key in self._depot.keys(f"xet/{kind}"):
                try:
                    record.get(self._depot, key)
                except Damaged as damage:
                    found.append(Damage(damage.key, damage.why, ()))
        for key in self._depot.keys("xet/raw"):
            name = key.rpartition("/")[2]
            try:
                xorb.parse(name, self._raw_body(name))
            except RequestError:
                found.append(Damage(key, "it is not what its name says", ()))
        return found

    def sweep(self, grace_seconds: float) -> None:
        """Let go blocks of which no file is left, and that nobody brought lately."""
        for key in self._depot.keys("xet/raw"):
            self._depot.discard(key, grace_seconds)
        for key in self._depot.keys("xet/xorbs"):
            name = key.rpartition("/")[2]
            block = self.block(name)
            if block is None or block.files or self._depot.age(_raw(name)) is not None:
                continue
            if self._depot.discard(key, grace_seconds):
                for kind in (_places(name), f"xet/owners/{_checked(name)}"):
                    for one in self._depot.keys(kind):
                        self._depot.delete(one)
        for key in self._depot.keys("xet/sha256"):
            sha256 = key.rpartition("/")[2]
            if self._store.content(sha256) is None:
                self._depot.discard(key, grace_seconds)

    def block(self, name: str) -> Block | None:
        """Return what is known of a block; None if it is not."""
        chunks = record.get(self._depot, _block(name))
        if chunks is None:
            return None
        places: list[tuple[str, dict[int, int]]] = []
        for key in self._depot.keys(_places(name)):
            sha256 = key.rpartition("/")[2]
            told = record.get(self._depot, key)
            if told is not None and self._store.content(sha256) is not None:
                places.append((sha256, {int(k): v for k, v in told.items()}))
        found = tuple(
            xorb.Chunk(bytes.fromhex(digest), length, start, stop, encoding)
            for digest, length, start, stop, encoding in chunks
        )
        return Block.of(name, found, places)

    def _block(self, name: str) -> Block:
        found = self.block(name)
        if found is None:
            raise RequestError(
                "the file is made of a block that is not here",
                where=name,
                mend="remove the client's Xet cache (HF_XET_CACHE, in HF_HOME), and upload again",
            )
        return found

    def _run(self, term: Term, first: int, last: int) -> tuple[Run, int]:
        """Return the chunks of a term around some of its bytes, and how many come before them."""
        block = self._block(term.xorb)
        start, end, before = block.within(term.start, term.end, first, last)
        length = sum(one.length for one in block.chunks[start:end])
        first_byte, last_byte = block.offset(start), block.offset(end) - 1
        return Run(term.xorb, start, end, length, first_byte, last_byte), before

    def _make(self, told: Told, owner: str, may_use: Callable[[str], bool]) -> XetFile:
        blocks = {
            name: self._usable(name, owner, may_use)
            for name in dict.fromkeys(term.xorb for term in told.terms)
        }
        for term in told.terms:
            chunks = blocks[term.xorb].chunks
            if term.end > len(chunks):
                raise RequestError("the shard names chunks that a block does not have")
            if sum(one.length for one in chunks[term.start : term.end]) != term.length:
                raise RequestError("the shard lies about the length of a range")
        if sum(term.end - term.start for term in told.terms) > MOST_CHUNKS:
            raise RequestError(f"a file of more than {MOST_CHUNKS:,} chunks cannot be taken")
        nodes = [
            (one.digest, one.length)
            for term in told.terms
            for one in blocks[term.xorb].chunks[term.start : term.end]
        ]
        if text_of(file_hash(nodes)) != told.name:
            raise RequestError("the shard's file is not what it is called after")
        with self._store.writer(sha256=told.sha256, size=told.size) as writer:
            for term in told.terms:
                for part in self._contents(blocks[term.xorb], term.start, term.end):
                    writer.write(part)
            content = writer.close()
        self._remember(told, blocks)
        return XetFile(told.name, content)

    def _usable(self, name: str, owner: str, may_use: Callable[[str], bool]) -> Block:
        """Return a block that is the owner's to use; others' are as good as not there."""
        block = self.block(name)
        if block is not None and (
            record.get(self._depot, _owner(name, owner)) is not None
            or any(may_use(sha256) for sha256 in block.files)
        ):
            return block
        raise RequestError(
            "the file is made of a block that its sender never brought",
            where=name,
            mend="remove the client's Xet cache (HF_XET_CACHE, in HF_HOME), and upload again",
        )

    def _remember(self, told: Told, blocks: dict[str, Block]) -> None:
        places: dict[str, dict[int, int]] = {name: {} for name in blocks}
        at = 0
        for term in told.terms:
            for number in range(term.start, term.end):
                places[term.xorb].setdefault(number, at)
                at += blocks[term.xorb].chunks[number].length
        for name, found in places.items():
            record.put(self._depot, f"{_places(name)}/{told.sha256}", found)
        terms = [[term.xorb, term.start, term.end, term.length] for term in told.terms]
        record.put(self._depot, _file(told.name), {"sha256": told.sha256, "terms": terms})
        record.put(self._depot, f"xet/sha256/{told.sha256[:2]}/{told.sha256}", told.name)
        for name in blocks:
            block = self.block(name)
            if block is not None and block.placed:
                self._depot.delete(_raw(name))

    def _contents(self, block: Block, start: int, end: int) -> Iterator[bytes]:
        """Yield the contents of chunks, proved: from files where they are, else as they came."""
        number = start
        while number < end:
            stop = block.together(number, end)
            place = block.places.get(number)
            if place is None:
                yield from self._as_came(block, number, stop)
            else:
                yield from self._placed(block, place, number, stop)
            number = stop

    def _placed(self, block: Block, place: Place, start: int, end: int) -> Iterator[bytes]:
        lengths = [one.length for one in block.chunks[start:end]]
        waiting = bytearray()
        wanted = iter(lengths)
        length = next(wanted)
        for part in self._store.read(place.sha256, place.offset, place.offset + sum(lengths)):
            waiting += part
            while length and len(waiting) >= length:
                yield bytes(memoryview(waiting)[:length])
                del waiting[:length]
                length = next(wanted, 0)
        if length:
            raise Damaged(_places(block.name), "a chunk is not where it should be")

    def _as_came(self, block: Block, start: int, end: int) -> Iterator[bytes]:
        body = self._raw_body(block.name)
        for chunk in block.chunks[start:end]:
            try:
                content = xorb.content_of(chunk, body)
            except RequestError:
                raise Damaged(_raw(block.name), "a chunk cannot be read") from None
            if chunk_hash(content) != chunk.digest:
                raise Damaged(_raw(block.name), "a chunk is not what its name says")
            yield content

    def _raw_body(self, name: str) -> bytes:
        try:
            return self._depot.get(_raw(name))
        except KeyError:
            raise Damaged(_raw(name), "it is not there, though a file needs it") from None


def _is_hash(name: str) -> bool:
    try:
        digest_of(name)
    except ValueError:
        return False
    return name == name.lower()


def _raw(name: str) -> str:
    return f"xet/raw/{_checked(name)}"


def _block(name: str) -> str:
    return f"xet/xorbs/{_checked(name)}"


def _places(name: str) -> str:
    return f"xet/places/{_checked(name)}"


def _owner(name: str, owner: str) -> str:
    return f"xet/owners/{_checked(name)}/{hashlib.sha256(owner.encode()).hexdigest()[:32]}"


def _file(name: str) -> str:
    return f"xet/files/{_checked(name)}"


def _checked(name: str) -> str:
    if not _is_hash(name):
        raise RequestError("no block or file is called so", where=name[:100])
    return f"{name[:2]}/{name}"
