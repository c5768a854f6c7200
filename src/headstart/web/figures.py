"""Any value of JSON as a text for people: numbers as the language writes them, intervals whole."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

from headstart.web.words import Words

_LONGEST = 400
_MOST = 40
_COMMIT = 40
_SHORT = 10
_HUGE = 1e300


def figure(value: Any, words: Words, most: int = _LONGEST) -> str:
    """Return a value as a text: an interval as ``0.91 [0.88, 0.94]``, others as they are."""
    found = _whole(value, words)
    return found if len(found) <= most else found[: most - 1] + "…"


def _whole(value: Any, words: Words) -> str:
    if isinstance(value, bool):
        return words("said.yes" if value else "said.no")
    if isinstance(value, str):
        return value
    if value is None:
        return "–"
    if isinstance(value, int | float):
        return words.number(value) if abs(value) < _HUGE else str(value)
    if isinstance(value, dict):
        return _mapping(value, words)
    if isinstance(value, list | tuple):
        return ", ".join(_whole(one, words) for one in value[:_MOST])
    return json.dumps(value, default=str)


def _mapping(value: dict[str, Any], words: Words) -> str:
    interval = [value.get(key) for key in ("value", "low", "high")]
    if all(isinstance(one, int | float) and isfinite(one) for one in interval):
        rest = {key: one for key, one in value.items() if key not in ("value", "low", "high")}
        told = words.span(*interval)  # type: ignore[arg-type]
        return f"{_mapping(rest, words)}: {told}" if rest else told
    return ", ".join(f"{key}: {_whole(one, words)}" for key, one in list(value.items())[:_MOST])


def brief(value: Any, words: Words) -> str:
    """Return a log's entry on one line: commits by their first ten signs."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {brief(one, words)}" for key, one in list(value.items())[:_MOST])
    text = figure(value, words)
    whole = isinstance(value, str) and len(text) == _COMMIT
    return text[:_SHORT] if whole and all(sign in "0123456789abcdef" for sign in text) else text
