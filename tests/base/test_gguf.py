"""GGUF files that lie: cut, made up or huge by their own account; refused, fast and small."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headstart.base import reference
from headstart.base.gguf_export import write_gguf
from headstart.base.gguf_header import read_header
from headstart.errors import RequestError
from tests.speakers import write_base

COUNTS = 8  # bytes before the counts of tensors and of metadata
HUGE = 2**62


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("good")
    decoder = reference.load_decoder(write_base(folder / "base"))
    write_gguf(decoder, folder / "m.gguf")
    return (folder / "m.gguf").read_bytes()


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def head(tensors: int = 0, pairs: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs)


def tensor(name: str, *shape: int, kind: int = 0, offset: int = 0) -> bytes:
    sizes = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return text(name) + sizes + struct.pack("<IQ", kind, offset)


def at(content: bytes, place: int, value: bytes) -> bytes:
    return content[:place] + value + content[place + len(value) :]


def number(content: bytes, key: str, value: int) -> bytes:
    """The file with another whole number under a key."""
    place = content.index(text(key)) + len(text(key))
    assert content[place : place + 4] == struct.pack("<I", 4)
    return at(content, place + 4, struct.pack("<I", value))


def items(content: bytes, key: str, count: int) -> bytes:
    """The file with another number of items in an array."""
    place = content.index(text(key)) + len(text(key))
    assert content[place : place + 4] == struct.pack("<I", 9)
    return at(content, place + 8, struct.pack("<Q", count))


MADE_UP = {
    "nothing": b"",
    "short": b"GGUF",
    "a page": b"<html>no such file</html>" * 20,
    "old": head(version=1) + bytes(64),
    "other end first": b"GGUF" + struct.pack(">IQQ", 3, 0, 0) + bytes(64),
    "tensors without end": head(tensors=HUGE) + bytes(64),
    "pairs without end": head(pairs=HUGE) + bytes(64),
    "a key without end": head(pairs=1) + struct.pack("<Q", HUGE) + bytes(64),
    "a long name": head(pairs=1) + text("k" * 5000) + bytes(64),
    "a name of bytes": head(pairs=1) + struct.pack("<Q", 4) + b"\xff\xfe\xff\xfe" + bytes(64),
    "a value of no type": head(pairs=1) + text("a.b") + struct.pack("<I", 99) + bytes(64),
    "a text without end": head(pairs=1) + text("a.b") + struct.pack("<IQ", 8, HUGE) + bytes(64),
    "an array without end": head(pairs=1) + text("a.b") + struct.pack("<IIQ", 9, 4, HUGE),
    "more items than any": head(pairs=1) + text("a.b") + struct.pack("<IIQ", 9, 0, 5_000_000)
    + bytes(5_000_000),
    "arrays of arrays": head(pairs=1) + text("a.b") + struct.pack("<IIQ", 9, 9, 1) + bytes(64),
    "a tensor beyond the end": head(tensors=1) + tensor("a", 32, 32) + bytes(64),
    "a tensor far away": head(tensors=1) + tensor("a", 4, offset=HUGE) + bytes(64),
    "a tensor too large for a number": head(tensors=1) + tensor("a", HUGE, HUGE) + bytes(64),
    "an empty tensor": head(tensors=1) + tensor("a", 4, 0) + bytes(64),
    "a tensor of many dimensions": head(tensors=1) + tensor("a", *[1] * 9) + bytes(64),
    "a tensor of no type": head(tensors=1) + tensor("a", 4, kind=77) + bytes(64),
    "half a block": head(tensors=1) + tensor("a", 33, kind=2) + bytes(64),
    "a tensor twice": head(tensors=2) + tensor("a", 4) * 2 + bytes(128),
    "tensors that share": head(tensors=9)
    + b"".join(tensor(f"t{n}", 16) for n in range(9)) + bytes(96),
    "an odd alignment": head(pairs=1) + text("general.alignment") + struct.pack("<II", 4, 3)
    + bytes(64),
    "a header and no model": head() + bytes(64),
}  # fmt: skip
CHANGED: dict[str, Callable[[bytes], bytes]] = {
    "cut in the weights": lambda good: good[: len(good) // 2],
    "cut in the tokens": lambda good: good[:2000],
    "cut by a byte": lambda good: good[:-64],
    "blocks": lambda good: number(good, "llama.block_count", 10**9),
    "one block more": lambda good: number(good, "llama.block_count", 3),
    "width": lambda good: number(good, "llama.embedding_length", 2**31),
    "feed forward": lambda good: number(good, "llama.feed_forward_length", 2**31),
    "no heads": lambda good: number(good, "llama.attention.head_count", 0),
    "heads": lambda good: number(good, "llama.attention.head_count", 2**31),
    "vocabulary": lambda good: number(good, "llama.vocab_size", 2**31),
    "tokens": lambda good: items(good, "tokenizer.ggml.tokens", HUGE),
    "an architecture of nobody": lambda good: good.replace(b"llama", b"lllll"),
    "a tensor under another name": lambda good: good.replace(b"blk.1.ffn_up", b"blk.1.ffn_xx"),
}


def refused(path: Path, content: bytes) -> RequestError:
    path.write_bytes(content)
    with pytest.raises(RequestError) as caught:
        reference.load_decoder(f"local:{path}")
    return caught.value


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("name", MADE_UP)
def test_what_is_no_gguf_file_is_refused_by_name(tmp_path, cache, name):
    error = refused(tmp_path / "m.gguf", MADE_UP[name])
    assert str(tmp_path / "m.gguf") in str(error.where)
    assert error.mend
    assert not list(cache.rglob("*"))[1:]  # nothing converted is left


@pytest.mark.parametrize("name", CHANGED)
def test_what_claims_more_than_it_holds_is_refused(tmp_path, good, name):
    error = refused(tmp_path / "m.gguf", CHANGED[name](good))
    assert "m.gguf" in str(error.where)


def test_a_header_that_is_whole_says_what_is_there(tmp_path, good):
    (tmp_path / "m.gguf").write_bytes(good)
    found = read_header(tmp_path / "m.gguf")
    assert found.integer("block_count") == 2
    assert found.shapes["token_embd.weight"][0] == 32
    assert found.lengths["tokenizer.ggml.tokens"] == found.shapes["token_embd.weight"][1]
    assert reference.load_decoder(f"local:{tmp_path / 'm.gguf'}").card.width == 32


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(RequestError, match="no such folder or"):
        reference.load_decoder(f"local:{tmp_path / 'm.gguf'}")


def test_no_claim_is_believed_enough_to_ask_for_its_memory(tmp_path, good):
    """Every lie once, in a process that may have 300 MB more than the libraries take."""
    for place, (_, content) in enumerate(sorted(MADE_UP.items())):
        (tmp_path / f"{place}.gguf").write_bytes(content)
    for name, change in CHANGED.items():
        (tmp_path / f"{name.replace(' ', '-')}.gguf").write_bytes(change(good))
    (tmp_path / "good.gguf").write_bytes(good)
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from headstart.base import reference\n"
        "from headstart.errors import RequestError\n"
        "folder = Path(sys.argv[1])\n"
        "reference.load_decoder(f'local:{folder}/good.gguf')\n"  # the libraries are in memory now
        "pages = int(Path('/proc/self/statm').read_text().split()[0])\n"
        "limit = pages * resource.getpagesize() + 300 * 2**20\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "for file in sorted(folder.glob('*.gguf')):\n"
        "    if file.stem == 'good': continue\n"
        "    try:\n"
        "        reference.load_decoder(f'local:{file}')\n"
        "    except RequestError as error:\n"
        "        assert 'memory' not in str(error).lower(), error\n"
        "    else:\n"
        "        raise SystemExit(f'{file} was taken')\n"
    )
    if not Path("/proc/self/statm").is_file():
        pytest.skip("needs /proc, which this system lacks")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
