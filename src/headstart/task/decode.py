"""Bytes to text: UTF-8 as a rule, other encodings where there can be no doubt."""

from __future__ import annotations

import codecs
import re

from headstart.errors import RequestError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Western text in cp1252 has few bytes above 127, and those stand in or beside Latin letters or
# are typographic marks. Cyrillic, Greek or Asian text in its 8-bit encoding has many in a row.
_HIGH = re.compile(rb"[\x80-\xff]")
_HIGH_RUN = re.compile(rb"[\xc0-\xff]{3,}")
_MOST_HIGH = 0.12
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1f]")


def decode_text(data: bytes, where: str) -> tuple[str, str | None]:
    """Return the text of ``data`` and, if it is not UTF-8, a line that says what it is.

    Raises:
        RequestError: No encoding fits without doubt; names the first bad byte and its line.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _by_mark(data, encoding, where)
    _refuse_nul(data, where)
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError as error:
        text = _western(data)
        if text is None:
            raise _undecodable(data, error.start, where) from error
    return text, f"{where}: read as Windows-1252 (Western European), it is not UTF-8"


def _by_mark(data: bytes, encoding: str, where: str) -> tuple[str, str | None]:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _undecodable(data, error.start, where) from error
    if "\x00" in text:
        _refuse_nul(text.encode("utf-8"), where)
    said = None if encoding == "utf-8-sig" else f"{where}: read as {encoding.upper()} (by its mark)"
    return text, said


def _western(data: bytes) -> str | None:
    high = len(_HIGH.findall(data))
    if high > _MOST_HIGH * len(data) or _HIGH_RUN.search(data) or _CONTROL.search(data):
        return None
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return None


def _refuse_nul(data: bytes, where: str) -> None:
    at = data.find(b"\x00")
    if at >= 0:
        raise RequestError(
            f"a NUL byte at offset {at:,} (line {_line(data, at):,}): this is not a text file",
            where=where,
            mend="save it as UTF-8 text (UTF-16 without its mark looks like this), or check "
            "that it was copied whole",
        )


def _undecodable(data: bytes, at: int, where: str) -> RequestError:
    return RequestError(
        f"byte 0x{data[at]:02x} at offset {at:,} (line {_line(data, at):,}) is not UTF-8, "
        "and no other encoding fits without doubt",
        where=where,
        mend="save the file as UTF-8, e.g. iconv -f <its encoding> -t UTF-8",
    )


def _line(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1
