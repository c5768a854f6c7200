"""Evidence from the folders that studies leave."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from headstart.org.proof import Filters, Proof
from headstart.org.studies import StudyTraits, study_traits

LIMIT_BYTES = 2**26
MOST = 1000
RECORD = "study.json"


class FolderEvidence:
    """Studies whose folders lie in some places, or are these places; the newest thousand.

    What is no study, or cannot be read, is no evidence; nothing is raised for it.

    Args:
        places: Folders of studies, or folders with such folders in them.
    """

    def __init__(self, places: Iterable[Path]) -> None:
        self.places = tuple(places)
        self._known: dict[Path, tuple[tuple[int, int], StudyTraits | None]] = {}

    def find(self, kind: str, filters: Filters) -> list[Proof]:
        """Return the studies that fit, the newest first."""
        if kind != "study":
            return []
        return [
            study.proof(datetime.fromtimestamp(changed, UTC), str(path.parent))
            for changed, path, study in self._studies()
            if study.fits(filters)
        ]

    def _studies(self) -> Iterator[tuple[float, Path, StudyTraits]]:
        newest = []
        for path in self._files():
            with suppress(OSError):
                status = path.stat()
                newest.append((status.st_mtime, path, (status.st_mtime_ns, status.st_size)))
        for changed, path, stamp in sorted(newest, reverse=True)[:MOST]:
            study = self._read(path, stamp)
            if study is not None:
                yield changed, path, study

    def _files(self) -> Iterator[Path]:
        for place in self.places:
            with suppress(OSError):
                yield from (p for p in (place / RECORD, *place.glob(f"*/{RECORD}")) if p.is_file())

    def _read(self, path: Path, stamp: tuple[int, int]) -> StudyTraits | None:
        known = self._known.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        study = None
        if stamp[1] <= LIMIT_BYTES:
            # RecursionError: JSON whose lists lie in each other a thousand deep.
            with suppress(OSError, ValueError, RecursionError):
                record = json.loads(path.read_bytes())
                study = study_traits(record) if isinstance(record, dict) else None
        self._known[path] = (stamp, study)
        return study
