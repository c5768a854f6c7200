"""Studies in a folder of this machine: what was decided, their reports, and how far they are."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from headstart.hub.errors import NoRepoError
from headstart.web.faults import PageRoute
from headstart.web.pages.signed import sees_all, signed_in
from headstart.web.visit import HEADERS, AVisit, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MOST, LINES = 500, 15
QUIET = timedelta(minutes=15)
_LONGEST, _TAIL = 2**26, 64 * 1024
REPORT = (
    "sandbox allow-scripts allow-popups; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""A report draws its plots by scripts: they run in a place of their own, cut off from the hub."""


@dataclass(frozen=True)
class Study:
    """A study's folder.

    Attributes:
        name: The folder's.
        title: The task, or the folder's name.
        state: "done", "running", or "silent": nothing was said for a while.
        changed: The last word from it.
        headline: What was decided, or "".
        report: Whether there is one.
    """

    name: str
    title: str
    state: str
    changed: datetime
    headline: str = ""
    report: bool = False


@dataclass(frozen=True)
class Progress:
    """How far a running study is.

    Attributes:
        began: Its first word.
        step: What it is at.
        trials: How many are finished.
        budget: Seconds that it may take, if it has such a budget.
        lines: Its last words.
    """

    began: datetime | None
    step: str
    trials: int
    budget: float | None
    lines: tuple[str, ...]


@router.get("/studies")
def studies(request: Request, visit: AVisit) -> Response:
    """List studies, the newest first."""
    folder = _allowed(request, visit)
    found = sorted(_all(folder), key=lambda one: one.changed, reverse=True) if folder else []
    return visit.show("studies.html", found=found[:MOST], folder=folder is not None)


@router.get("/studies/{name}")
def study(name: str, request: Request, visit: AVisit) -> Response:
    """Show a study: its decision, or how far it is."""
    place = _place(_allowed(request, visit), name)
    found = _study(place)
    if found is None:
        raise NoRepoError("no such study")
    record = _record(place)
    progress = None if found.state == "done" else _progress(place)
    live = found.state == "running"
    taken = (found.changed - progress.began) if progress and progress.began else timedelta()
    return visit.show(
        "study.html", study=found, reasons=_reasons(record), progress=progress,
        facts={key: _text(record.get("task"), key) for key in ("kind", "modality", "metric")},
        taken=taken.total_seconds(), live=live, scripts=live,
    )  # fmt: skip


@router.get("/studies/{name}/report")
def report(name: str, request: Request, visit: AVisit) -> Response:
    """Give a study's report."""
    path = _place(_allowed(request, visit), name) / "report.html"
    if not path.is_file() or path.is_symlink():
        raise NoRepoError("no such report")
    headers = {**HEADERS, "Content-Security-Policy": REPORT}
    return FileResponse(path, media_type="text/html; charset=utf-8", headers=headers)


def _allowed(request: Request, visit: Visit) -> Path | None:
    signed_in(visit)
    if not sees_all(visit):
        raise NoRepoError("nothing here for you")
    return request.app.state.studies  # type: ignore[no-any-return]


def _place(folder: Path | None, name: str) -> Path:
    """Return a study's folder; only what the list names, so that no path leads elsewhere."""
    if folder is None or name not in _names(folder):
        raise NoRepoError("no such study")
    return folder / name


def _names(folder: Path) -> list[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        return [one.name for one in entries if one.is_dir(follow_symlinks=False)]
    return []


def _all(folder: Path) -> Iterator[Study]:
    for name in _names(folder):
        found = _study(folder / name)
        if found is not None:
            yield found


def _study(place: Path) -> Study | None:
    """Return what a folder holds; None of one that is no study's."""
    changed = [_changed(place / name) for name in ("study.json", "log.txt", "request.json")]
    known = [one for one in changed if one is not None]
    if not known:
        return None
    record = _record(place)
    title = _text(record.get("task"), "name") or place.name
    last, has_report = max(known), (place / "report.html").is_file()
    if record.get("decision"):
        headline = _text(record["decision"], "headline")
        return Study(place.name, title, "done", last, headline, has_report)
    quiet = datetime.now(UTC) - last > QUIET
    return Study(place.name, title, "silent" if quiet else "running", last, "", has_report)


def _progress(place: Path) -> Progress:
    lines = _said(place / "log.txt")
    steps = [line.partition(" begin ")[2] for line in lines if " begin " in line]
    request = _json(place / "request.json")
    budget = request.get("budget")
    seconds = budget.get("seconds") if isinstance(budget, dict) else None
    trials = 0
    with suppress(OSError), os.scandir(place / "trials") as entries:
        trials = sum(one.name.endswith(".json") for one in entries)
    return Progress(
        _first(place / "log.txt"), steps[-1] if steps else "", trials,
        float(seconds) if isinstance(seconds, int | float) else None, tuple(lines[-LINES:]),
    )  # fmt: skip


def _said(log: Path) -> list[str]:
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        return file.read(_TAIL).decode("utf-8", "replace").splitlines()
    return []


def _first(log: Path) -> datetime | None:
    with suppress(OSError, ValueError), log.open("rb") as file:
        return datetime.fromisoformat(file.readline(100).decode("ascii", "replace").split(" ")[0])
    return None


def _changed(path: Path) -> datetime | None:
    with suppress(OSError):
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return None


def _record(place: Path) -> dict[str, Any]:
    path = place / "study.json"
    with suppress(OSError):
        status = path.stat()
        return _brief(path, status.st_mtime_ns, status.st_size)
    return {}


@lru_cache(maxsize=1000)
def _brief(path: Path, changed: int, size: int) -> dict[str, Any]:
    """Return what the pages show of a record; read once, for it may have megabytes."""
    found = _json(path)
    return {key: found[key] for key in ("task", "decision") if isinstance(found.get(key), dict)}


def _json(path: Path) -> dict[str, Any]:
    # RecursionError: lists that lie in each other a thousand deep.
    with suppress(OSError, ValueError, RecursionError):
        if path.stat().st_size <= _LONGEST:
            found = json.loads(path.read_bytes())
            return found if isinstance(found, dict) else {}
    return {}


def _reasons(record: dict[str, Any]) -> list[str]:
    found = (record.get("decision") or {}).get("reasons")
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _text(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
