"""Single byte ranges (RFC 9110, section 14)."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class OutsideError(Exception):
    """The range begins past the end."""


def wanted(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the first byte and the one past the last; None: all, or a range nobody serves.

    Raises:
        OutsideError: Nothing of it is there.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
    if last and first and int(last) < int(first):
        return None
    if start >= size or start >= stop:
        raise OutsideError
    return start, stop
