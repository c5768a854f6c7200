"""Bodies that are read ahead: whole, in order, few parts; damage at the begin is told at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from headstart.hub.serve.streams import begun


def all_of(parts: Iterator[bytes]) -> list[bytes]:
    async def read() -> list[bytes]:
        return [bytes(part) async for part in begun(parts)]

    return asyncio.run(read())


@pytest.mark.parametrize("size", [0, 1, 1000, 70_000, 2**20, 5 * 2**20])
def test_what_goes_in_comes_out_in_parts_of_a_megabyte_or_more(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    found = all_of(iter([data[start : start + 65_536] for start in range(0, size, 65_536)]))
    assert b"".join(found) == data[: (size + 65_535) // 65_536 * 65_536]
    assert all(len(part) >= 2**20 for part in found[:-1])


def test_what_fails_at_once_raises_before_anything_is_sent() -> None:
    def broken() -> Iterator[bytes]:
        raise ValueError("damaged")
        yield b""

    with pytest.raises(ValueError, match="damaged"):
        begun(broken())


def test_what_fails_later_ends_the_body_there() -> None:
    def broken() -> Iterator[bytes]:
        yield bytes(2**20)
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        all_of(broken())
