"""What may go into a database: words and texts without traps, JSON that all databases take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from headstart.errors import RequestError
from headstart.ledger.tables import KEY_LENGTH, WORD_LENGTH

_WHOLE = 2**63


def is_word(value: str, length: int = WORD_LENGTH) -> bool:
    """Whether ``value`` can be a key: up to ``length`` bytes of UTF-8, no NUL."""
    try:
        return "\0" not in value and len(value.encode()) <= length
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def word(value: str, what: str) -> str:
    """Return ``value``, unchanged.

    Raises:
        RequestError: It cannot be a key.
    """
    if is_word(value):
        return value
    raise RequestError(
        f"{what} cannot be kept in the ledger: {value[:60]!r}",
        mend=f"at most {WORD_LENGTH} bytes of UTF-8, without NUL",
    )


def key(value: str, what: str) -> str:
    """Return ``value``, unchanged.

    Raises:
        RequestError: It is no hash of at most 32 characters.
    """
    if value and is_word(value, KEY_LENGTH):
        return value
    raise RequestError(f"{what} is no hash of 1 to {KEY_LENGTH} characters: {value[:60]!r}")


def readable(value: str) -> str:
    """Return a text for people, with what PostgreSQL refuses shown as a replacement mark."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def whole(value: int, what: str) -> int:
    """Return ``value`` as an int.

    Raises:
        RequestError: It has more than 64 bits.
    """
    if -_WHOLE <= value < _WHOLE:
        return int(value)
    raise RequestError(f"{what} has more than 64 bits: {value}")


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``value`` as JSON gives it back; NaN and infinite numbers become None.

    JSON has no such numbers, and pydantic writes them as null, too.

    Raises:
        TypeError: Something in it is no JSON value.
    """
    text = json.dumps(dict(value))
    found: dict[str, Any] = json.loads(text, parse_constant=lambda _: None)
    return found
