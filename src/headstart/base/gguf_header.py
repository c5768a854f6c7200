"""What a GGUF file says of itself, held against its size before any library believes it.

GGUF files come from anywhere. A count or a length that was made up would have a reader loop for
hours or ask for terabytes; here every one is checked against the bytes that are there, in memory
that does not grow with what the file claims.
Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass, field
from pathlib import Path

from headstart.errors import RequestError

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # bytes of a value
_INTEGERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 10: "<Q", 11: "<q"}
_STRING, _ARRAY = 8, 9
_MOST_ITEMS = 4_000_000  # of an array: vocabularies have up to 262,144; readers hold each in memory
_MOST_DIMENSIONS = 4
_LONGEST_NAME = 1024
_LONGEST_TEXT = 256 * 1024  # chat templates and licences; longer ones are skipped
_SMALLEST_PAIR = 8 + 4 + 1  # bytes of a key and value: length, type, one byte
_SMALLEST_TENSOR = 8 + 4 + 4 + 8  # length, dimensions' count, type, offset


@dataclass
class Header:
    """What was found.

    Attributes:
        integers: Whole numbers among the metadata, by their key.
        lengths: Items of the arrays among the metadata, by their key.
        shapes: Tensor name to its dimensions, the fastest first.
        texts: Short texts (up to 256 KiB each) among the metadata, by their key.
    """

    integers: dict[str, int] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def elements(self) -> int:
        """Weights in all tensors."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def integer(self, suffix: str) -> int | None:
        """Return the number under the key that ends in ``suffix`` ("block_count")."""
        found = (n for key, n in self.integers.items() if key.endswith(f".{suffix}"))
        return next(found, None)


def read_header(file: Path) -> Header:
    """Return what ``file`` says of itself, checked against its size.

    Raises:
        RequestError: It is no GGUF file, is cut short, or claims more than it holds.
    """
    size = file.stat().st_size
    if size < 24:
        raise _damaged(file, f"it has {size} bytes, fewer than a GGUF header")
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _Walk(file, data).header()


def _damaged(file: Path, what: str) -> RequestError:
    return RequestError(
        f"not a readable GGUF file: {what}",
        where=str(file),
        mend="fetch the file again: it is cut short, damaged or no GGUF file",
    )


class _Walk:
    """Goes through a file once, never past its end."""

    def __init__(self, file: Path, data: mmap.mmap) -> None:
        self.file, self.data, self.at = file, data, 0
        self.found = Header()

    def header(self) -> Header:
        if self.data[:4] != _MAGIC:
            raise _damaged(self.file, f"it begins with {self.data[:4]!r}, not {_MAGIC!r}")
        self.at = 4
        version = self._number("<I")
        if version not in _VERSIONS:
            raise _damaged(self.file, f"its version is {version}, known are 2 and 3")
        tensors, pairs = self._number("<Q"), self._number("<Q")
        self._fits(pairs, _SMALLEST_PAIR, "metadata entries")
        for _ in range(pairs):
            self._pair()
        self._fits(tensors, _SMALLEST_TENSOR, "tensors")
        self._tensors([self._tensor() for _ in range(tensors)])
        return self.found

    def _fits(self, count: int, smallest: int, what: str) -> None:
        """Refuse a count of things that the rest of the file has no room for."""
        left = len(self.data) - self.at
        if count * smallest > left:
            raise _damaged(
                self.file,
                f"it claims {count:,} {what} at byte {self.at:,}; {left:,} bytes are left",
            )

    def _number(self, form: str) -> int:
        self._fits(1, struct.calcsize(form), "number")
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return int(value)

    def _skip_text(self) -> None:
        length = self._number("<Q")
        self._fits(length, 1, "characters")
        self.at += length

    def _text(self, key: str) -> None:
        begin = self.at + 8
        self._skip_text()
        if self.at - begin <= _LONGEST_TEXT:
            self.found.texts[key] = self.data[begin : self.at].decode("utf-8", "replace")

    def _name(self) -> str:
        length = self._number("<Q")
        self._fits(length, 1, "characters")
        if length > _LONGEST_NAME:
            raise _damaged(self.file, f"a name of {length:,} characters at byte {self.at:,}")
        self.at += length
        try:
            return self.data[self.at - length : self.at].decode("utf-8")
        except UnicodeDecodeError as error:
            raise _damaged(self.file, f"a name before byte {self.at:,} is not UTF-8") from error

    def _pair(self) -> None:
        key, kind = self._name(), self._number("<I")
        if kind == _ARRAY:
            self._array(key)
        elif kind == _STRING:
            self._text(key)
        elif kind in _INTEGERS:
            self.found.integers[key] = self._number(_INTEGERS[kind])
        else:
            self._skip(kind, 1)

    def _array(self, key: str) -> None:
        kind, count = self._number("<I"), self._number("<Q")
        if count > _MOST_ITEMS:
            raise _damaged(
                self.file, f"'{key}' claims {count:,} items, more than any model ({_MOST_ITEMS:,})"
            )
        self.found.lengths[key] = count
        if kind != _STRING:
            self._skip(kind, count)
            return
        self._fits(count, 8, f"texts in '{key}'")
        for _ in range(count):
            self._skip_text()

    def _skip(self, kind: int, count: int) -> None:
        if kind not in _WIDTHS:
            raise _damaged(self.file, f"a value of unknown type {kind} at byte {self.at:,}")
        self._fits(count, _WIDTHS[kind], "values")
        self.at += count * _WIDTHS[kind]

    def _tensor(self) -> tuple[str, int, int]:
        """Read one line of the tensor table; return (name, bytes, offset)."""
        name, count = self._name(), self._number("<I")
        if not 1 <= count <= _MOST_DIMENSIONS:
            raise _damaged(self.file, f"the tensor '{name}' has {count} dimensions")
        shape = tuple(self._number("<Q") for _ in range(count))
        kind, offset = self._number("<I"), self._number("<Q")
        if name in self.found.shapes:
            raise _damaged(self.file, f"the tensor '{name}' is there twice")
        if not all(shape):
            raise _damaged(self.file, f"the tensor '{name}' is empty")
        self.found.shapes[name] = shape
        return name, self._bytes(name, shape, kind), offset

    def _bytes(self, name: str, shape: tuple[int, ...], kind: int) -> int:
        from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

        try:
            block, width = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
        except (ValueError, KeyError) as error:
            raise _damaged(self.file, f"the tensor '{name}' is of unknown type {kind}") from error
        if shape[0] % block:
            raise _damaged(self.file, f"rows of '{name}' are no whole number of blocks of {block}")
        return math.prod(shape) // int(block) * int(width)

    def _tensors(self, tensors: list[tuple[str, int, int]]) -> None:
        """Refuse tensors that lie beyond the end, or together claim more than is there."""
        step = self.found.integers.get("general.alignment", 32)
        if step <= 0 or step & (step - 1):
            raise _damaged(self.file, f"its alignment is {step}, no power of two")
        begin = -(-self.at // step) * step
        room = len(self.data) - begin
        for name, size, offset in tensors:
            if offset + size > room:
                raise _damaged(
                    self.file,
                    f"the tensor '{name}' claims {size:,} bytes from {offset:,} on, and there are "
                    f"{max(0, room):,}",
                )
        claimed = sum(size for _, size, _ in tensors)
        if claimed > room:
            raise _damaged(self.file, f"its tensors claim {claimed:,} bytes and share {room:,}")
