"""What was measured on this machine, by name in one JSON file; a damaged file knows nothing."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from headstart.errors import UnwritableError
from headstart.files import write_json


def recall(memory: Path, name: str) -> dict[str, Any] | None:
    """Return what is remembered under ``name``, or None."""
    found = _read(memory).get(name)
    return found if isinstance(found, dict) else None


def remember(memory: Path, name: str, value: dict[str, Any]) -> None:
    """Keep ``value`` under ``name``; where nothing can be written it is measured again next time.

    Of two processes that write at once, the last is kept.
    """
    with suppress(UnwritableError):
        write_json(memory, {**_read(memory), name: value})


def forget(memory: Path, name: str) -> None:
    """Remember nothing under ``name`` any more."""
    known = _read(memory)
    if known.pop(name, None) is not None:
        with suppress(UnwritableError):
            write_json(memory, known)


def _read(memory: Path) -> dict[str, Any]:
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
